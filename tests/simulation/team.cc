#include "tests/simulation/team.h"

#include <cstdio>
#include <utility>

#include "tests/simulation/plans.h"

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration kBake = 20s;
/// A pipeline waits no longer for an answer.
constexpr Duration kPatience = 120s;

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

void Team::spoil(const std::string& candidate, const std::string& baseline) {
  const Instant from = time_.now() + chance_.between(0s, 2 * kBake);
  const double share = 0.5 + chance_.unit() / 2;
  const double what = chance_.unit();
  if (what < 0.5) {
    traffic_.spoil(candidate, from, share);
  } else if (what < 0.65) {  // Both, for a reason that lies elsewhere, and that may go away.
    const Instant until = chance_.chance(0.5) ? from + chance_.between(10s, 60s) : Instant::max();
    traffic_.spoil(candidate, from, share, until);
    traffic_.spoil(baseline, from, share, until);
  }
}

void Team::draw_release(Release& release) {
  rules::RolloutStarted& asked = release.asked;
  const double what = chance_.unit();
  if (what < 0.35) {
    asked.lasts = kBake;
  } else {
    asked.steps = draw_steps(chance_);
    asked.is_driving = chance_.unit() < likes_driving_;
  }
  asked.is_irreversible = chance_.chance(0.05);
  asked.commit = staging_ != nullptr && chance_.chance(0.7)
                     ? staging_->commit()
                     : "c" + std::to_string(chance_.below(9));
  if (asked.is_driving || !chance_.chance(0.1)) return;
  asked.mode = chance_.chance(0.5) ? rules::Mode::observe : rules::Mode::recommend;
}

/// Early, late, too far, back, or not at all.
void Team::draw_moves(Release& release) {
  const std::vector<rules::RolloutStep>& steps = release.asked.steps;
  if (steps.empty() || release.asked.is_driving) return;
  Instant at = time_.now();
  for (std::size_t i = 1; i < steps.size(); ++i) {
    at += chance_.between(steps[i - 1].bake / 2, 3 * steps[i - 1].bake);
    if (chance_.chance(0.15)) return;
    const bool is_back = chance_.chance(0.1);
    release.moves.push_back({at, is_back ? steps.front().percent / 2 : steps[i].percent});
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
  release.asked.id = rollout_id(chance_.next());
  release.asked.service = worker_.service();
  release.asked.candidate = candidate;
  release.asked.baseline = baseline;
  draw_release(release);
  release.generation = {.id = release.asked.id,
                        .service = worker_.service(),
                        .candidate = candidate,
                        .baseline = baseline,
                        .started = time_.now()};
  release.gives_up_at = time_.now() + kPatience;
  if (!release.asked.is_driving) {
    const double percent = release.asked.steps.empty()
                               ? 20 + 10 * static_cast<double>(chance_.below(5))
                               : release.asked.steps.front().percent;
    worker_.deploy({{candidate, percent}, {baseline, 100 - percent}}, "canary");
  } else if (worker_.live().percent_of(baseline) < 100) {
    worker_.deploy({{baseline, 100}}, "tidied up");
  }
  draw_moves(release);
  traffic_.spoil(baseline, time_.now(), 0.0);
  spoil(candidate, baseline);
  witness_.began(release.generation);
  release_ = release;
  release_->asked.at = time_.now();
  return release_->asked;
}

rules::RolloutStarted Team::begin_bad(const std::string& candidate, const std::string& baseline) {
  Release release;
  release.asked = {.at = time_.now(),
                   .service = worker_.service(),
                   .candidate = candidate,
                   .baseline = baseline,
                   .lasts = kBake,
                   .id = rollout_id(chance_.next())};
  release.generation = {.id = release.asked.id,
                        .service = worker_.service(),
                        .candidate = candidate,
                        .baseline = baseline,
                        .started = time_.now()};
  release.gives_up_at = Instant::max();
  worker_.deploy({{candidate, 50}, {baseline, 50}}, "canary");
  traffic_.spoil(candidate, time_.now(), 0.9);
  traffic_.spoil(baseline, time_.now(), 0.0);
  witness_.began(release.generation);
  release_ = release;
  return release_->asked;
}

std::optional<rules::RolloutStarted> Team::ask_again() const {
  if (!release_ || release_->promotes_at || release_->puts_back_at) return std::nullopt;
  if (release_->was_heard && !always_asks_again_) return std::nullopt;
  rules::RolloutStarted asked = release_->asked;
  asked.at = time_.now();
  return asked;
}

void Team::see(const rules::ServiceStatus* status) {
  if (release_ && status != nullptr && status->rollout &&
      status->rollout->id == release_->generation.id)
    release_->was_heard = true;
}

bool Team::is_waiting(const rules::ServiceStatus* status) const {
  return release_ && status != nullptr && status->rollout &&
         status->rollout->id == release_->generation.id && !rules::is_final(status->rollout->state);
}

std::vector<rules::RolloutStep> Team::steps() const {
  return release_ ? release_->asked.steps : std::vector<rules::RolloutStep>{};
}

void Team::rest() {
  is_resting_ = true;
  if (!release_) return;
  const std::string& candidate = release_->generation.candidate;
  const std::string& baseline = release_->generation.baseline;
  const Instant now = time_.now();
  if (traffic_.badness(baseline, now) > 0) traffic_.spoil(candidate, now, 0.0);
  traffic_.spoil(baseline, now, 0.0);
  release_->moves.clear();
  if (release_->asked.is_driving) return;
  Instant at = now;
  for (const rules::RolloutStep& step : release_->asked.steps) {
    at += step.bake + 10s;
    if (step.percent > worker_.live().percent_of(candidate))
      release_->moves.push_back({at, step.percent});
  }
}

void Team::move_traffic() {
  if (release_->moves.empty() || release_->moves.front().at > time_.now()) return;
  const double percent = release_->moves.front().percent;
  release_->moves.erase(release_->moves.begin());
  const Witness::Generation& generation = release_->generation;
  // Whoever moves it looks first.
  if (worker_.live().percent_of(generation.candidate) <= 0) return;
  if (percent >= 100) {
    worker_.deploy({{generation.candidate, 100}}, "all of it");
  } else {
    worker_.deploy({{generation.candidate, percent}, {generation.baseline, 100 - percent}},
                   "canary");
  }
}

void Team::follow(const rules::ServiceStatus* status) {
  const Instant now = time_.now();
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

/// What is aborted is over, whatever is on its way; only then it is put back by hand.
std::optional<rules::Event> Team::give_up() {
  const Instant now = time_.now();
  if (now < release_->gives_up_at || release_->promotes_at || release_->puts_back_at)
    return std::nullopt;
  release_->puts_back_at = now + 15s;
  if (!release_->asked.is_driving) return std::nullopt;
  return rules::OperatorCommand{
      .kind = rules::OperatorCommand::Kind::abort,
      .at = now,
      .rollout = release_->generation.id,
      .by = "pipeline " + std::to_string(++words_) + " of " + worker_.service(),
      .reason = "it takes too long"};
}

void Team::finish() {
  const Witness::Generation& generation = release_->generation;
  const Instant now = time_.now();
  if (release_->promotes_at && now >= *release_->promotes_at) {
    // Whoever promotes looks first: someone may have deployed something else.
    if (worker_.live().percent_of(generation.candidate) > 0) {
      if (worker_.live().percent_of(generation.candidate) < 100)
        worker_.deploy({{generation.candidate, 100}}, "promoted");
      witness_.promoted(generation.id);
      commit_ = release_->asked.commit;
    }
  } else if (release_->puts_back_at && now >= *release_->puts_back_at) {
    if (worker_.live().percent_of(generation.candidate) > 0)
      worker_.deploy({{generation.baseline, 100}}, "put back by hand");
  } else {
    return;
  }
  traffic_.spoil(generation.baseline, now, 0.0);
  release_.reset();
  next_ = now + chance_.between(2s, 12s);
}

std::optional<rules::Event> Team::act(const rules::ServiceStatus* status, bool overtakes) {
  if (release_) {
    move_traffic();
    follow(status);
    std::optional<rules::Event> said = give_up();
    finish();
    const bool begins_anew = overtakes && release_ && !is_resting_ && status != nullptr &&
                             !release_->promotes_at && !release_->puts_back_at;
    if (said || !begins_anew) return said;
    return begin();
  }
  if (is_resting_ || status == nullptr || time_.now() < next_) return std::nullopt;
  return begin();
}

}  // namespace belay::simulation
