#include "tests/simulation/team.h"

#include <cstdio>
#include <utility>

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration kBake = 30s;
/// A pipeline waits no longer for an answer.
constexpr Duration kPatience = 150s;

std::string rollout_id(std::uint64_t bits) {
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012llx",
                static_cast<unsigned>(bits >> 32U), static_cast<unsigned>(bits & 0xffffU),
                static_cast<unsigned>((bits >> 16U) & 0xfffU),
                static_cast<unsigned>((bits >> 4U) & 0xfffU),
                static_cast<unsigned long long>(bits & 0xffffffffffffU));
  return text;
}

}  // namespace

rules::RolloutStarted Team::started(const Witness::Generation& generation) const {
  rules::RolloutStarted event;
  event.at = time_.now();
  event.id = generation.id;
  event.service = generation.service;
  event.candidate = generation.candidate;
  event.baseline = generation.baseline;
  event.lasts = kBake;
  return event;
}

void Team::spoil(const std::string& candidate, const std::string& baseline) {
  const Instant from = time_.now() + chance_.between(0s, kBake);
  const double share = 0.5 + chance_.unit() / 2;
  const double what = chance_.unit();
  if (what < 0.55) {
    traffic_.spoil(candidate, from, share);
  } else if (what < 0.65) {  // Both, for a reason that lies elsewhere.
    traffic_.spoil(candidate, from, share);
    traffic_.spoil(baseline, from, share);
  }
}

rules::RolloutStarted Team::begin() {
  const std::string live = worker_.live().versions.front().version;
  const bool was_restored = worker_.live().message.starts_with("belay ");
  std::string candidate = "v" + std::to_string(++versions_);
  std::string baseline = live;
  // What a rollback has put there is rolled out once more, over something older.
  if (was_restored && chance_.chance(0.6)) std::swap(candidate, baseline);
  Release release;
  release.generation = {.id = rollout_id(chance_.next()),
                        .service = worker_.service(),
                        .candidate = candidate,
                        .baseline = baseline,
                        .started = time_.now()};
  release.gives_up_at = time_.now() + kPatience;
  const double percent = 20 + 10 * static_cast<double>(chance_.below(5));
  worker_.deploy({{candidate, percent}, {baseline, 100 - percent}}, "canary");
  traffic_.spoil(baseline, time_.now(), 0.0);
  spoil(candidate, baseline);
  witness_.began(release.generation);
  release_ = release;
  return started(release.generation);
}

rules::RolloutStarted Team::begin_bad(const std::string& candidate, const std::string& baseline) {
  Release release;
  release.generation = {.id = rollout_id(chance_.next()),
                        .service = worker_.service(),
                        .candidate = candidate,
                        .baseline = baseline,
                        .started = time_.now()};
  worker_.deploy({{candidate, 50}, {baseline, 50}}, "canary");
  traffic_.spoil(candidate, time_.now(), 0.9);
  witness_.began(release.generation);
  release_ = release;
  return started(release.generation);
}

std::optional<rules::RolloutStarted> Team::ask_again() const {
  if (!release_ || release_->promotes_at || release_->puts_back_at) return std::nullopt;
  if (release_->was_heard && !always_asks_again_) return std::nullopt;
  return started(release_->generation);
}

void Team::see(const rules::ServiceStatus* status) {
  if (release_ && status != nullptr && status->rollout &&
      status->rollout->id == release_->generation.id)
    release_->was_heard = true;
}

bool Team::is_waiting(const rules::ServiceStatus* status) const {
  return release_ && status != nullptr && status->rollout &&
         status->rollout->id == release_->generation.id && !rules::decided(*status->rollout);
}

void Team::follow(const rules::ServiceStatus* status) {
  const Instant now = time_.now();
  if (now >= release_->gives_up_at && !release_->puts_back_at) release_->puts_back_at = now;
  if (status == nullptr || !status->rollout || status->rollout->id != release_->generation.id)
    return;
  const std::optional<rules::Outcome> verdict = rules::decided(*status->rollout);
  if (!verdict || release_->promotes_at || release_->puts_back_at) return;
  if (*verdict == rules::Outcome::pass) {
    release_->promotes_at = now + chance_.between(0s, 3s);
  } else {
    release_->puts_back_at = now + chance_.between(20s, 45s);
  }
}

void Team::finish() {
  const Witness::Generation& generation = release_->generation;
  const Instant now = time_.now();
  if (release_->promotes_at && now >= *release_->promotes_at) {
    // Whoever promotes looks first: someone may have deployed something else.
    if (worker_.live().percent_of(generation.candidate) > 0) {
      worker_.deploy({{generation.candidate, 100}}, "promoted");
      witness_.promoted(generation.id);
    }
  } else if (release_->puts_back_at && now >= *release_->puts_back_at) {
    if (worker_.live().percent_of(generation.candidate) > 0)
      worker_.deploy({{generation.baseline, 100}}, "put back by hand");
  } else {
    return;
  }
  traffic_.spoil(generation.baseline, now, 0.0);
  release_.reset();
  next_ = now + chance_.between(2s, 15s);
}

std::optional<rules::RolloutStarted> Team::act(const rules::ServiceStatus* status) {
  if (release_) {
    follow(status);
    finish();
    return std::nullopt;
  }
  if (is_resting_ || status == nullptr || time_.now() < next_) return std::nullopt;
  return begin();
}

}  // namespace belay::simulation
