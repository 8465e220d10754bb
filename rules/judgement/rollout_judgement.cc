#include "rules/judgement/rollout_judgement.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/sanitize.h"
#include "rules/judgement/rollout_words.h"
#include "rules/judgement/untold_latency.h"
#include "rules/judgement/whole_traffic.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

constexpr double kDeeperThanBefore = 1.5;
constexpr Duration kSilenceMin = std::chrono::seconds{60};
constexpr double kExpectedMin = 10;
/// What turns bad so soon after a step may be its doing.
constexpr Duration kStepBlame = std::chrono::minutes{2};
/// Requests of the baseline that show how it was before.
constexpr std::uint64_t kBaselineBeforeMin = 20;
/// Requests of both versions that show how the traffic is split when nobody said so.
constexpr std::uint64_t kSplitMin = 50;

RolloutRule rule_of(GuardedRule rule) {
  switch (rule) {
    case GuardedRule::broken:
      return RolloutRule::broken;
    case GuardedRule::clear:
      return RolloutRule::clear;
    case GuardedRule::errors:
      return RolloutRule::errors;
    case GuardedRule::latency:
      return RolloutRule::latency;
  }
  return RolloutRule::errors;
}

/// In which the candidate is looked at as it is now, and of how many.
constexpr std::int64_t kLiveSeconds = 30;
constexpr std::uint64_t kLiveRequestsMin = 20;
/// What the candidate shows where both logs have come is worse by so much, and not less than so
/// much of what it shows now.
constexpr double kWorseThanBaseline = 1.25;
constexpr double kOfWhatIsLive = 0.5;

constexpr std::array kGuarded = {GuardedRule::broken, GuardedRule::clear, GuardedRule::errors,
                                 GuardedRule::latency};

}  // namespace

RolloutJudgement::RolloutJudgement(PairedEvidence& evidence, Versions versions,
                                   const RolloutLimits& limits)
    : evidence_(&evidence),
      versions_(std::move(versions)),
      limits_(limits),
      guarded_(limits.error_rate),
      step_at_(evidence.start()) {
  const auto limit_us =
      std::chrono::duration_cast<std::chrono::microseconds>(limits.latency).count();
  // Nothing is slower than the longest that an event can tell.
  evidence.slow_above(limits.judges_latency ? static_cast<std::uint32_t>(limit_us)
                                            : std::numeric_limits<std::uint32_t>::max());
}

void RolloutJudgement::begin_step(Instant at, std::optional<double> traffic) {
  traffic_ = traffic;
  if (at > evidence_->start()) evidence_->begin_step(at);
  few_.begin_step();
  step_at_ = std::max(at, evidence_->start());
}

void RolloutJudgement::queue_above(const std::string& queue, double depth, double before) {
  deep_queues_[queue] = {.depth = depth, .before = before};
}

void RolloutJudgement::queue_fine(const std::string& queue) { deep_queues_.erase(queue); }

std::optional<RolloutJudgement::Pause> RolloutJudgement::worse() const {
  if (evidence_->comparison().standing() == Standing::worse && is_seen_beside_baseline())
    return Pause{.rule = RolloutRule::comparison};
  for (const GuardedRule rule : kGuarded)
    if (guarded_.verdict(rule, *evidence_) == GuardedRules::Verdict::rollback)
      return Pause{.rule = rule_of(rule)};
  if (std::optional<std::string> probe = probes_.worse())
    return Pause{.rule = RolloutRule::probes, .name = *std::move(probe)};
  return std::nullopt;
}

/// The comparison takes each request for one of when it came. Where the baseline's come later, what
/// both were bad at is the candidate's alone at first.
bool RolloutJudgement::is_seen_beside_baseline() const {
  if (!evidence_->is_baseline_behind()) return true;
  const PairedEvidence::Sums own = evidence_->last(PairedEvidence::kSecondsMax, Role::candidate);
  const PairedEvidence::Sums beside = evidence_->last(PairedEvidence::kSecondsMax, Role::baseline);
  const PairedEvidence::Sums live =
      evidence_->before(evidence_->now(), PairedEvidence::kSecondsMax, Role::candidate);
  // A few failures of before are not what it is convicted for.
  const auto is_worse = [](double own_rate, double rate_beside, double live_rate) {
    return own_rate > kWorseThanBaseline * rate_beside && own_rate >= kOfWhatIsLive * live_rate;
  };
  return evidence_->comparison().dominant() == Compared::errors
             ? is_worse(own.error_rate(), beside.error_rate(), live.error_rate())
             : is_worse(own.slow_rate(), beside.slow_rate(), live.slow_rate());
}

/// Both versions bad, from a change of the traffic on, and the baseline was not before.
bool RolloutJudgement::has_shared_begun_with_step(GuardedRule rule, Instant now) const {
  const Duration window = std::chrono::seconds{GuardedRules::window_seconds(rule)};
  if (rule == GuardedRule::latency || now - step_at_ > kStepBlame + 2 * window) return false;
  const PairedEvidence::Sums recent =
      evidence_->last(GuardedRules::window_seconds(rule), Role::baseline);
  const PairCounts::Of all = evidence_->since_start()[Role::baseline];
  const std::uint64_t before = all.total - std::min(all.total, recent.total);
  const std::uint64_t errors_before = all.bad - std::min(all.bad, recent.errors);
  return before >= kBaselineBeforeMin &&
         static_cast<double>(errors_before) < static_cast<double>(before) * recent.error_rate() / 2;
}

bool RolloutJudgement::is_candidate_silent(Instant now) const {
  const Instant since = std::max(evidence_->last_candidate().value_or(step_at_), step_at_);
  if (now - since < kSilenceMin) return false;
  std::optional<double> traffic = traffic_;
  if (!traffic) {
    const auto candidate = evidence_->total_in_step(Role::candidate);
    const auto all = candidate + evidence_->total_in_step(Role::baseline);
    if (all < kSplitMin) return false;
    traffic = static_cast<double>(candidate) / static_cast<double>(all);
  }
  if (*traffic >= 1) return false;
  const auto beside = static_cast<double>(evidence_->baseline_since_candidate());
  return beside * *traffic / (1 - *traffic) >= kExpectedMin;
}

std::vector<RolloutJudgement::Pause> RolloutJudgement::wanted_pauses(Instant now,
                                                                     bool is_blind) const {
  std::vector<Pause> wanted;
  for (const GuardedRule rule : kGuarded) {
    const GuardedRules::Verdict verdict = guarded_.verdict(rule, *evidence_);
    if (verdict == GuardedRules::Verdict::shared)
      wanted.push_back({.rule = rule_of(rule), .is_shared_cause = true});
    if (verdict == GuardedRules::Verdict::alone) wanted.push_back({.rule = rule_of(rule)});
  }
  if (few_.is_plain())
    wanted.push_back(
        {.rule = RolloutRule::errors, .is_shared_cause = few_.is_shared(), .is_of_few = true});
  if (!is_blind && is_candidate_silent(now))
    wanted.push_back({.rule = RolloutRule::candidate_silent});
  for (ProbeWatch::Red& red : probes_.red())
    wanted.push_back({.rule = RolloutRule::probes,
                      .is_shared_cause = red.is_shared,
                      .name = std::move(red.probe),
                      .is_nameless = red.is_nameless});
  for (const auto& [queue, deep] : deep_queues_)
    if (deep.depth > kDeeperThanBefore * deep.before)
      wanted.push_back({.rule = RolloutRule::queue, .name = queue});
  return wanted;
}

std::optional<RolloutAnswer> RolloutJudgement::change_pauses(std::vector<Pause> wanted, Instant now,
                                                             const NameTable& names) {
  const auto is_new = [this](const Pause& pause) {
    return std::find(pauses_.begin(), pauses_.end(), pause) == pauses_.end();
  };
  const auto fresh = std::find_if(wanted.begin(), wanted.end(), is_new);
  std::optional<RolloutAnswer> told;
  if (fresh != wanted.end()) {
    told = answer(RolloutAnswer::Kind::pause, *fresh, now, names);
  } else if (wanted.empty() && !pauses_.empty()) {
    told = answer(RolloutAnswer::Kind::resume, pauses_.front(), now, names);
  }
  pauses_ = std::move(wanted);
  return told;
}

std::optional<RolloutAnswer> RolloutJudgement::judge(Instant now, bool is_blind,
                                                     const NameTable& names) {
  if (is_over_) return std::nullopt;
  guarded_.check(*evidence_);
  few_.look(*evidence_, guarded_.error_rate_allowed(), is_blind);
  if (const std::optional<Pause> found = worse()) {
    is_over_ = true;
    return answer(RolloutAnswer::Kind::rollback, *found, now, names);
  }
  if (std::optional<RolloutAnswer> told = change_pauses(wanted_pauses(now, is_blind), now, names))
    return told;
  const bool is_suspect = evidence_->comparison().standing() == Standing::suspect;
  if (!std::exchange(was_suspect_, is_suspect) && is_suspect)
    return answer(RolloutAnswer::Kind::warn, {.rule = RolloutRule::comparison}, now, names);
  return std::nullopt;
}

RolloutAnswer RolloutJudgement::answer(RolloutAnswer::Kind kind, const Pause& about, Instant now,
                                       const NameTable& names) const {
  RolloutAnswer answer{.kind = kind,
                       .rule = about.rule,
                       .is_shared_cause = about.is_shared_cause,
                       .about = about.name,
                       .at = now};
  const RolloutWords words(*evidence_, versions_.candidate, versions_.baseline, names);
  words.fill(answer, about.name);
  if (about.is_of_few)
    answer.headline = (about.is_shared_cause ? "shared cause: " : "") + words_of_few();
  if (about.is_nameless) answer.headline = words.nameless_probe(about.name);
  if (about.rule == RolloutRule::queue) {
    const auto deep = deep_queues_.find(about.name);
    if (deep != deep_queues_.end())
      answer.headline = words.queue(about.name, deep->second.depth, deep->second.before);
  }
  const auto guarded = std::find_if(kGuarded.begin(), kGuarded.end(),
                                    [&](GuardedRule rule) { return rule_of(rule) == about.rule; });
  if (kind == RolloutAnswer::Kind::pause && about.is_shared_cause && guarded != kGuarded.end() &&
      has_shared_begun_with_step(*guarded, now))
    answer.details.insert(answer.details.begin(), kHarmsBoth);
  if (kind == RolloutAnswer::Kind::resume) answer.headline = "over: what paused the rollout";
  return answer;
}

std::string RolloutJudgement::words_of_few() const {
  return few_.words(versions_.candidate, versions_.baseline) +
         ": too many to pass, and too few for " + default_name(RolloutRule::errors) + " to act on";
}

std::optional<std::string> RolloutJudgement::doubt_of_whole() const {
  return rules::doubt_of_whole(*evidence_, versions_.candidate, versions_.baseline,
                               {.errors = is_excused() ? guarded_.error_rate_allowed() : 0,
                                .invocations = invocations_failed_before_,
                                .durations = !limits_.judges_latency,
                                .clients = clients_before_});
}

std::optional<std::string> RolloutJudgement::doubt_of_latency() const {
  const std::uint64_t all = evidence_->total_in_step(Role::candidate);
  const std::uint64_t told = evidence_->reported_in_step();
  if (!limits_.judges_latency || !is_latency_untold(told, all)) return std::nullopt;
  const std::string latency = default_name(RolloutRule::latency);
  const std::string of_all =
      " of " + std::to_string(all) + " requests of " + sanitize(versions_.candidate);
  return (told == 0 ? "none" + of_all + " in this step told how long it took, so " + latency +
                          " judged nothing"
                    : "only " + std::to_string(told) + of_all +
                          " in this step told how long they took, too few for " + latency +
                          " to judge by") +
         ": log `wall_ms` (milliseconds), name the key that has it (`latency field` of the log), "
         "or say that latency is not to be judged (`rollout: { limits: { p95 latency: off } }` "
         "under the service in belay.yaml)";
}

std::optional<std::string> RolloutJudgement::hindrance() const {
  if (is_over_) return versions_.candidate + " was to be rolled back";
  if (!pauses_.empty()) return "paused by " + default_name(pauses_.front().rule);
  if (std::optional<std::string> doubt = probes_.doubt()) return doubt;
  if (few_.hinders()) return words_of_few();
  if (std::optional<std::string> live = finding_of_now()) return live;
  return finding_against();
}

/// The rules wait for the later log of the two.
std::optional<std::string> RolloutJudgement::finding_of_now() const {
  if (evidence_->complete() >= evidence_->now()) return std::nullopt;
  const PairedEvidence::Sums live =
      evidence_->before(evidence_->now(), kLiveSeconds, Role::candidate);
  // What is live may be the worse part of it: they are too many only of all that is to be expected.
  const std::uint64_t all =
      evidence_->is_late(Role::candidate)
          ? std::max(live.total, evidence_->last(kLiveSeconds, Role::candidate).total)
          : live.total;
  if (live.total < kLiveRequestsMin ||
      static_cast<double>(live.errors) <= guarded_.error_rate_allowed() * static_cast<double>(all))
    return std::nullopt;
  return versions_.candidate + " failed " + std::to_string(live.errors) + " of " +
         std::to_string(live.total) + " requests in the last " + std::to_string(kLiveSeconds) +
         "s, of which the logs have not told all yet";
}

std::optional<std::string> RolloutJudgement::finding_against() const {
  if (evidence_->comparison().standing() != Standing::fine)
    return "the evidence against " + versions_.candidate + " is above 10 to 1";
  for (const GuardedRule rule : kGuarded)
    if (guarded_.is_bad(rule))
      return "bad by " + default_name(rule_of(rule)) + ", not yet enough to act: " +
             words_of_rule(*evidence_, rule_of(rule), versions_.candidate, versions_.baseline) +
             (guarded_.error_rate_before() > 0
                  ? "; the service had " +
                        decimal_text(std::round(guarded_.error_rate_before() * 1000) / 10) +
                        "% errors before"
                  : "");
  return std::nullopt;
}

}  // namespace belay::rules
