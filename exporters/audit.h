#pragma once

#include <filesystem>

#include "exporters/outbox.h"
#include "exporters/route.h"

namespace belay::exporters {

/// Every notice as one line of JSON (json_of(Notice)), appended to a file that other programs
/// follow. It is opened for each batch, so it may be renamed or removed at any time. A line that
/// was cut short, by a full disk, is ended, and written again. The journal stays what decisions
/// rest on.
class Audit : public Route {
 public:
  Audit(std::filesystem::path file, NotificationCounts counts, Outbox::Complain complain);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;
  void begin_to_end() override { outbox_.begin_to_end(); }

 private:
  [[nodiscard]] Outbox::Attempt append(const Outbox::Batch& batch);
  const std::filesystem::path file_;
  bool is_torn_ = false;  ///< What was written last ends in the middle of a line.
  Outbox outbox_;         // Last: its thread uses the others.
};

}  // namespace belay::exporters
