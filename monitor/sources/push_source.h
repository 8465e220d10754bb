#pragma once

#include <memory>
#include <mutex>

#include "monitor/parse/log_parser.h"
#include "monitor/source.h"
#include "net/http_listener.h"

namespace belay::monitor {

class LogFeed;

/// Takes what others post to the ingest listener. run() only says that it lives; the events come in
/// through take(), on the listener's thread, and the two share one lock.
class PushSource final : public Source {
 public:
  explicit PushSource(LogParserOptions options);
  ~PushSource() override;
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

  /// Answers one POST of NDJSON, a JSON array or indented documents, whatever its content type
  /// says: 202 with {"accepted": n, "rejected": {reason: n}}, and what was accepted is not dropped
  /// on its way to the engine; 429 with Retry-After, and nothing
  /// taken, while the lane is half full; 405 for another method; 503 while run() is not under way.
  /// Any thread.
  net::Outgoing take(const net::Incoming& request);

 private:
  const LogParserOptions options_;
  std::mutex mutex_;
  std::unique_ptr<LogFeed> feed_;  ///< While run() is under way.
};

}  // namespace belay::monitor
