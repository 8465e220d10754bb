#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "monitor/parse/log_parser.h"
#include "monitor/source.h"
#include "monitor/sources/taken_posts.h"
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
  /// A post with the Idempotency-Key of one that was taken is not taken again, and answered as that
  /// one; 422 if it is not the same, 400 for a key that is empty or too long.
  /// Any thread.
  net::Outgoing take(const net::Incoming& request);

 private:
  net::Outgoing feed(const std::string& body);

  const LogParserOptions options_;
  std::mutex mutex_;
  std::unique_ptr<LogFeed> feed_;  ///< While run() is under way.
  const Clock* clock_ = nullptr;   ///< Then, too.
  TakenPosts taken_;
};

}  // namespace belay::monitor
