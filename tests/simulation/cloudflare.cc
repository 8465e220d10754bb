#include "tests/simulation/cloudflare.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"

namespace belay::simulation {

using monitor::CloudflareDeployment;
using namespace std::chrono_literals;

namespace {

/// As long as our own calls wait for an answer.
constexpr Duration kDeadline = 10s;
/// What is late comes within this; with what a read may be behind it stays below
/// ActorOptions::settle, which is what Cloudflare is assumed to keep.
constexpr Duration kLateMax = 8s;

}  // namespace

void Worker::deploy(std::vector<CloudflareDeployment::Share> versions, std::string message) {
  all_.push_back({time_.now(),
                  {.id = "d" + std::to_string(all_.size() + 1),
                   .message = std::move(message),
                   .versions = std::move(versions)}});
}

void Worker::deploy_late(std::vector<CloudflareDeployment::Share> versions, std::string message,
                         Duration after) {
  late_.push_back({time_.now() + after, std::move(versions), std::move(message)});
}

void Worker::catch_up() {
  std::erase_if(late_, [this](const Late& late) {
    if (late.at > time_.now()) return false;
    deploy(late.versions, late.message);
    return true;
  });
}

std::vector<CloudflareDeployment> Worker::as_of(Instant then) const {
  std::vector<CloudflareDeployment> shown;
  for (const Deployed& one : all_)
    if (one.at <= then || shown.empty()) shown.insert(shown.begin(), one.what);
  return shown;
}

void WorkerPort::take_time() {
  world_.pass(world_.chance.between(20ms, 20ms + world_.faults.slow_calls));
}

void WorkerPort::maybe_die() {
  if (world_.chance.chance(world_.faults.kill_at_platform_call)) throw Killed{};
}

Result<monitor::Standing> WorkerPort::read(const rules::Order& order, std::stop_token /*stop*/) {
  take_time();
  maybe_die();
  Seeded& chance = world_.chance;
  if (chance.chance(world_.faults.unreachable)) return Error{Error::Kind::unavailable, "no route"};
  if (chance.chance(world_.faults.throttled))
    return Error{Error::Kind::throttled, "HTTP 429", std::chrono::seconds{1 + chance.below(20)}};
  if (chance.chance(world_.faults.refused)) return Error{Error::Kind::failed, "token refused"};
  const auto shown =
      worker_.as_of(world_.time.now() - chance.between(0s, world_.faults.stale_reads));
  world_.witness.was_read(order, shown);
  return monitor::standing_of(shown, order);
}

Result<std::optional<monitor::VersionFacts>> WorkerPort::version(const std::string& id,
                                                                 std::stop_token /*stop*/) {
  Seeded& chance = world_.chance;
  if (chance.chance(world_.faults.unreachable)) return Error{Error::Kind::unavailable, "no route"};
  const bool is_there = !worker_.has_lost(id);
  return std::optional(monitor::VersionFacts{
      .exists = is_there, .is_deployable = is_there, .migration = "", .bindings = {}});
}

Status WorkerPort::apply(const rules::Order& order, std::stop_token /*stop*/) {
  const Faults& faults = world_.faults;
  Seeded& chance = world_.chance;
  world_.witness.is_sent(order);
  maybe_die();
  if (chance.chance(faults.unreachable)) return Error{Error::Kind::unavailable, "refused"};
  if (chance.chance(faults.throttled))
    return Error{Error::Kind::throttled, "HTTP 429", std::chrono::seconds{1 + chance.below(20)}};
  if (chance.chance(faults.refused)) return Error{Error::Kind::failed, "secrets have changed"};
  const Result<monitor::Shares> wanted = monitor::target_of(order);
  if (!wanted.ok()) return wanted.error();
  const monitor::Shares& all = *wanted;
  const std::string message = monitor::mark_of(order) + " " + order.reason;
  if (chance.chance(faults.late_apply)) {
    const Duration late = chance.between(0s, kLateMax);
    world_.pass(kDeadline);
    worker_.deploy_late(all, message, late);
    world_.witness.is_applied(order);
    maybe_die();
    return Error{Error::Kind::ambiguous, "no answer in time"};
  }
  if (chance.chance(faults.error_before_apply)) {
    take_time();
    return Error{Error::Kind::ambiguous, "HTTP 500"};
  }
  worker_.deploy(all, message);
  world_.witness.is_applied(order);
  maybe_die();
  take_time();
  if (chance.chance(faults.error_after_apply)) return Error{Error::Kind::ambiguous, "HTTP 502"};
  if (chance.chance(faults.lost_reply)) return Error{Error::Kind::ambiguous, "connection reset"};
  maybe_die();
  return Done{};
}

}  // namespace belay::simulation
