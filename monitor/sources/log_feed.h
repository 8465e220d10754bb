#pragma once

#include <cstdint>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/clock.h"
#include "monitor/inbox.h"
#include "monitor/parse/log_parser.h"

namespace belay::monitor {

/// What all log sources share: bytes go in, events, states and progress come out into the lane.
/// Where more than one document in a hundred was evidence and could not be read, that time is told
/// as a gap, "unreadable": what fails may well be what writes such lines, and a window without it
/// is not fine. Owned by one run of a source.
class LogFeed {
 public:
  LogFeed(const LogParserOptions& options, Lane& lane, const Clock& clock);
  /// Says the totals a last time.
  ~LogFeed();
  LogFeed(const LogFeed&) = delete;
  LogFeed& operator=(const LogFeed&) = delete;

  /// From now on nothing is dropped that was taken (Lane::offer_whole).
  void promise() { is_promised_ = true; }

  void bytes(std::string_view bytes);
  /// The input ended as it should: a last line without a newline counts.
  void finish();
  /// The input broke: what is half read is counted as cut off.
  void reset();

  /// Evidence may have been lost between `since` and now.
  void gap(Instant since, std::string reason);

  /// What the source says of itself. A change is said at once. While the platform says that it
  /// drops events, `alive` is said as `sampled`.
  void set_health(rules::SourceHealth health, std::string detail = {});

  /// Says health and progress if 500 ms have passed since the last time: call it often.
  void beat();

  /// Whether the lane asks for patience: read on later, the bytes stay where they are.
  [[nodiscard]] bool is_full() const { return lane_.fill() > 0.5; }

  [[nodiscard]] Instant now() const { return clock_.now(); }
  [[nodiscard]] const LogParser& parser() const { return parser_; }

 private:
  /// What was parsed. Where the wall clock was set, a time goes by it if that brings it nearer to
  /// now: a log of this machine does, one of another goes by a clock that nobody has set.
  void send();
  void say();
  void admit_losses();
  void log_new_rejections();

  LogParser parser_;
  const rules::SourceId source_;
  const std::string source_name_;
  Lane& lane_;
  const Clock& clock_;
  std::vector<rules::Event> events_;
  rules::SourceHealth health_ = rules::SourceHealth::down;
  std::string detail_;
  bool is_sampled_ = false;
  std::string sampled_detail_;
  Instant said_{};
  std::uint64_t documents_said_ = 0;
  std::uint64_t lost_said_ = 0;
  bool has_logged_loss_ = false;
  std::set<std::string> reasons_logged_;
  bool has_logged_versions_ = false;
  bool is_promised_ = false;
};

}  // namespace belay::monitor
