#include "exporters/audit.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "exporters/append_all.h"
#include "exporters/json.h"

namespace belay::exporters {
namespace {

constexpr Outbox::Limits kLimits{.waiting_max = 4'096,
                                 .batch_max = 256,
                                 .spacing = std::chrono::milliseconds{0},
                                 .drain = std::chrono::milliseconds{500}};

}  // namespace

Audit::Audit(std::filesystem::path file, NotificationCounts counts, Outbox::Complain complain)
    : file_(std::move(file)),
      outbox_(
          kLimits, counts,
          [this](const Outbox::Batch& batch, const std::stop_token&) { return append(batch); },
          std::move(complain)) {}

void Audit::publish(const rules::Snapshot& /*snapshot*/) {}

void Audit::notify(const rules::Notice& notice) { outbox_.put(notice); }

Outbox::Attempt Audit::append(const Outbox::Batch& batch) {
  std::string lines = is_torn_ ? "\n" : "";
  if (batch.dropped_before > 0) {
    lines += text_of({{"notice", "dropped"}, {"count", batch.dropped_before}}) + "\n";
  }
  for (const rules::Notice& notice : batch.notices) lines += text_of(json_of(notice)) + "\n";
  constexpr mode_t kOwnerWritesGroupReads = 0640;
  // A pipe that nobody reads must not hold up the end of the program.
  const int file = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK,
                          kOwnerWritesGroupReads);
  std::string_view left = lines;
  const int fault = file < 0 ? errno : append_all(file, left);
  if (file >= 0) ::close(file);
  if (left.size() < lines.size()) is_torn_ = fault != 0;
  if (fault == 0) return {.result = Outbox::Attempt::Result::delivered};
  return {.result = Outbox::Attempt::Result::try_again,
          .why = "cannot append to " + file_.string() + ": " + std::strerror(fault)};
}

}  // namespace belay::exporters
