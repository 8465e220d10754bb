#pragma once

#include <filesystem>

#include "exporters/outbox.h"
#include "exporters/sink.h"

namespace belay::exporters {

/// Every notice as one line of JSON (json_of(Notice)), appended to a file that other programs
/// follow. It is opened for each batch, so it may be renamed or removed at any time. The journal
/// stays what decisions rest on.
class Audit : public Sink {
 public:
  Audit(std::filesystem::path file, NotificationCounts counts, Outbox::Complain complain);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;

 private:
  [[nodiscard]] Outbox::Attempt append(const Outbox::Batch& batch) const;
  const std::filesystem::path file_;
  Outbox outbox_;  // Last: its thread uses the path.
};

}  // namespace belay::exporters
