#include <chrono>
#include <utility>

#include "monitor/api/routes.h"
#include "monitor/api/views.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kHeartbeat = 15s;
constexpr auto kAtMostEvery = 1s;
/// How soon a browser comes back, and that it does so at all.
constexpr const char* kRetry = "retry: 3000\n\n";
constexpr const char* kHeartbeatText = ":\n\n";

/// One client of server-sent events: a snapshot or what it has missed, then what changes, at most
/// once a second; a comment when nothing does, so that both sides notice when the other has gone.
class Follower {
 public:
  Follower(ApiContext& context, EventLog::Topic topic, std::string last_event_id)
      : context_(context), topic_(std::move(topic)), last_event_id_(std::move(last_event_id)) {}

  std::string next() {
    const auto now = SteadyClock::now();
    std::string text;
    if (!told_at_) {
      text = begin();
    } else if (now - *looked_at_ >= kAtMostEvery) {
      text = changes();
    } else {
      return text;
    }
    looked_at_ = now;
    if (text.empty() && now - *told_at_ >= kHeartbeat) text = kHeartbeatText;
    if (!text.empty()) told_at_ = now;
    return text;
  }

 private:
  void note() {
    if (const auto published = context_.newest.published()) context_.events.note(*published);
    if (const auto notices = context_.newest.notices()) context_.events.note(*notices);
  }

  std::string begin() {
    note();
    const auto known = context_.events.number_of(last_event_id_);
    told_ = context_.events.newest();
    if (known) return kRetry + context_.events.since(*known, topic_);
    return kRetry + context_.events.whole(topic_);
  }

  std::string changes() {
    note();
    const std::uint64_t before = std::exchange(told_, context_.events.newest());
    // Who reads more slowly than things change begins anew.
    if (!context_.events.has_all_since(before)) return context_.events.whole(topic_);
    return context_.events.since(before, topic_);
  }

  ApiContext& context_;
  EventLog::Topic topic_;
  std::string last_event_id_;
  std::uint64_t told_ = 0;
  std::optional<SteadyClock::time_point> looked_at_;
  std::optional<SteadyClock::time_point> told_at_;
};

net::Outgoing follow(const Call& call, EventLog::Topic topic) {
  std::shared_ptr<void> place = call.context.streams.take();
  if (place == nullptr) {
    return call.refuse(
        {Problem::Kind::too_many_clients, "as many as may follow the events already do"});
  }
  net::Outgoing answer{.content_type = "text/event-stream"};
  const std::string last{call.request.header("last-event-id").value_or("")};
  auto follower = std::make_shared<Follower>(call.context, std::move(topic), last);
  answer.stream = [follower, place]() -> std::optional<std::string> { return follower->next(); };
  return answer;
}

}  // namespace

net::Outgoing follow_all(const Call& call) {
  const auto service = service_asked_for(call);
  if (const auto* problem = std::get_if<Problem>(&service)) return call.refuse(*problem);
  return follow(call, {.service = std::get<std::string>(service), .rollout = ""});
}

net::Outgoing follow_rollout(const Call& call) {
  const auto published = call.context.newest.published();
  if (!published || rollout_of(published->snapshot, call.path.front()) == nullptr) {
    return call.refuse({Problem::Kind::unknown_rollout,
                        "no rollout has this id; `belay rollout status` shows whole ids"});
  }
  return follow(call, {.service = "", .rollout = call.path.front()});
}

}  // namespace belay::monitor
