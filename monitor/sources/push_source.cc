#include "monitor/sources/push_source.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/sources/cadence.h"
#include "monitor/sources/log_feed.h"

namespace belay::monitor {
namespace {

net::Outgoing refusal(int status, std::string text) {
  net::Outgoing answer{.status = status, .body = std::move(text)};
  if (status == 429 || status == 503) answer.headers.push_back({"Retry-After", "1"});
  if (status == 405) answer.headers.push_back({"Allow", "POST"});
  return answer;
}

/// The same for every answer that takes something.
net::Outgoing accepted(std::uint64_t used, const std::map<std::string, std::uint64_t>& rejected) {
  const nlohmann::ordered_json body = {{"accepted", used}, {"rejected", rejected}};
  return {
      .status = 202, .content_type = "application/json", .body = exporters::text_of(body) + "\n"};
}

}  // namespace

PushSource::PushSource(LogParserOptions options) : options_(std::move(options)) {}
PushSource::~PushSource() = default;

void PushSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  constexpr std::chrono::milliseconds kBeat{100};
  {
    const std::lock_guard lock(mutex_);
    clock_ = &clock;
    feed_ = std::make_unique<LogFeed>(options_, lane, clock);
    feed_->promise();
    feed_->set_health(rules::SourceHealth::alive);
  }
  while (wait_for(kBeat, stop)) {
    const std::lock_guard lock(mutex_);
    feed_->beat();
  }
  const std::lock_guard lock(mutex_);
  feed_.reset();
  clock_ = nullptr;
}

net::Outgoing PushSource::take(const net::Incoming& request) {
  if (request.method != "POST") return refusal(405, "post events here\n");
  const std::lock_guard lock(mutex_);
  if (!feed_) return refusal(503, "not reading events now\n");
  const auto given = request.header("Idempotency-Key");
  if (given && (given->empty() || given->size() > TakenPosts::kKeyBytesMax))
    return refusal(400, "an Idempotency-Key has 1 to 255 bytes\n");
  const std::string key{given.value_or("")};
  const std::uint64_t body = std::hash<std::string>{}(request.body);
  if (const TakenPosts::Taken* taken = given ? taken_.find(key, clock_->now()) : nullptr) {
    if (taken->body == body) return taken->answer;
    return refusal(422, "this Idempotency-Key was used for another post: each needs its own\n");
  }
  if (feed_->is_full()) return refusal(429, "too many events: try again\n");
  net::Outgoing answer = feed(request.body);
  if (given) taken_.keep(key, {.body = body, .answer = answer}, clock_->now());
  return answer;
}

net::Outgoing PushSource::feed(const std::string& body) {
  const std::uint64_t used = feed_->parser().used();
  const auto before = feed_->parser().rejected();
  feed_->bytes(body);
  feed_->finish();
  std::map<std::string, std::uint64_t> rejected;
  for (const auto& [reason, count] : feed_->parser().rejected()) {
    const auto was = before.find(reason);
    const std::uint64_t more = count - (was == before.end() ? 0 : was->second);
    if (more > 0) rejected.emplace(reason, more);
  }
  return accepted(feed_->parser().used() - used, rejected);
}

}  // namespace belay::monitor
