#include "tests/monitor/acting/fake_platform.h"

#include <algorithm>

#include "tests/monitor/acting/records.h"

namespace belay::test {

using monitor::Standing;
using namespace std::chrono_literals;

rules::Order fake_order(int number, const ManualClock& clock) {
  rules::Order order = rollback_order(number, clock.now());
  order.action = rules::RollBack{"good", "bad"};
  return order;
}

void FakePlatform::catch_up() {
  std::erase_if(late_, [this](const Late& late) {
    if (late.at > clock_.now()) return false;
    deployments_.push_back(late.deployment);
    return true;
  });
}

const std::string& FakePlatform::live_version() {
  catch_up();
  return deployments_.back().version;
}

int FakePlatform::deployments_of(const std::string& intent) {
  catch_up();
  const auto ours = std::count_if(deployments_.begin(), deployments_.end(),
                                  [&](const Deployment& one) { return one.intent == intent; });
  return static_cast<int>(ours + static_cast<std::ptrdiff_t>(late_.size()));
}

void FakePlatform::count_call() {
  if (killed_at_call_ && applies_ + reads_ == *killed_at_call_) throw Killed{};
}

void FakePlatform::deploy(const rules::Order& order, Instant at) {
  late_.push_back({at, {order.intent, std::get<rules::RollBack>(order.action).target}});
  catch_up();
}

Result<Standing> FakePlatform::read(const rules::Order& order, std::stop_token) {
  const auto index = static_cast<std::size_t>(reads_++);
  clock_.advance(call_takes_);
  const ReadBehaviour how =
      index < read_script_.size() ? read_script_[index] : ReadBehaviour::clean;
  if (how == ReadBehaviour::human_before) deploy_by_hand("newer");
  catch_up();
  count_call();
  if (how == ReadBehaviour::unreachable) return Error{Error::Kind::unavailable, "no route"};
  if (how == ReadBehaviour::refused) return Error{Error::Kind::failed, "token refused"};
  if (how == ReadBehaviour::throttled) return Error{Error::Kind::throttled, "429", 45s};
  const std::size_t unseen = how == ReadBehaviour::stale && deployments_.size() > 1 ? 2 : 1;
  const Deployment& top = deployments_[deployments_.size() - unseen];
  const auto& rollback = std::get<rules::RollBack>(order.action);
  const std::string detail = top.version + " is live";
  if (trace_ == monitor::Trace::none) return Standing{Standing::Kind::expected, "cannot be read"};
  if (trace_ == monitor::Trace::id && top.intent == order.intent) {
    return Standing{Standing::Kind::ours, detail};
  }
  if (top.version == rollback.target) return Standing{Standing::Kind::target, detail};
  if (top.version == rollback.expected) return Standing{Standing::Kind::expected, detail};
  return Standing{Standing::Kind::other, detail};
}

Status FakePlatform::apply(const rules::Order& order, std::stop_token) {
  const auto index = static_cast<std::size_t>(applies_++);
  clock_.advance(call_takes_);
  if (on_apply_) on_apply_();
  const Behaviour how = index < script_.size() ? script_[index] : Behaviour::clean;
  const Instant now = clock_.now();
  Status answer = Done{};
  switch (how) {
    case Behaviour::human_first:
      deploy_by_hand("newer");
      [[fallthrough]];
    case Behaviour::clean:
      deploy(order, now);
      break;
    case Behaviour::accepted_in_vain:
      break;
    case Behaviour::applied_then_dropped:
    case Behaviour::applied_then_500:
      deploy(order, now);
      answer = Error{Error::Kind::ambiguous, "no answer"};
      break;
    case Behaviour::not_applied_and_500:
      answer = Error{Error::Kind::ambiguous, "HTTP 500"};
      break;
    case Behaviour::slow:
      deploy(order, now + slow_takes_);
      answer = Error{Error::Kind::ambiguous, "timeout"};
      break;
    case Behaviour::throttled:
      answer = Error{Error::Kind::throttled, "429", 45s};
      break;
    case Behaviour::unreachable:
      answer = Error{Error::Kind::unavailable, "refused connection"};
      break;
    case Behaviour::refused:
      answer = Error{Error::Kind::failed, "secrets changed"};
      break;
  }
  count_call();
  return answer;
}

}  // namespace belay::test
