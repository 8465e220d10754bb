#include "rules/judgement/rollout_judgement.h"

#include <algorithm>
#include <utility>

#include "rules/judgement/rollout_words.h"

namespace belay::rules {
namespace {

constexpr std::uint32_t kProbesInRow = 3;
constexpr double kDeeperThanBefore = 1.5;
constexpr Duration kSilenceMin = std::chrono::seconds{60};
constexpr double kExpectedMin = 10;
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
  evidence.slow_above(static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(limits.latency).count()));
}

void RolloutJudgement::begin_step(Instant at, std::optional<double> traffic) {
  traffic_ = traffic;
  if (at > evidence_->start()) evidence_->begin_step(at);
  step_at_ = std::max(at, evidence_->start());
}

void RolloutJudgement::probe_answered(Role role, bool failed) {
  const auto index = static_cast<std::size_t>(role);
  was_probed_[index] = true;
  probes_failed_in_row_[index] = failed ? probes_failed_in_row_[index] + 1 : 0;
}

void RolloutJudgement::queue_above(const std::string& queue, double depth, double before) {
  deep_queues_[queue] = {.depth = depth, .before = before};
}

void RolloutJudgement::queue_fine(const std::string& queue) { deep_queues_.erase(queue); }

std::optional<RolloutRule> RolloutJudgement::worse_rule() const {
  if (evidence_->comparison().standing() == Standing::worse) return RolloutRule::comparison;
  for (const GuardedRule rule : kGuarded)
    if (guarded_.verdict(rule, *evidence_) == GuardedRules::Verdict::rollback) return rule_of(rule);
  const bool is_baseline_well =
      was_probed_[static_cast<std::size_t>(Role::baseline)] &&
      probes_failed_in_row_[static_cast<std::size_t>(Role::baseline)] == 0;
  const std::uint32_t failed = probes_failed_in_row_[static_cast<std::size_t>(Role::candidate)];
  if (failed >= kProbesInRow && is_baseline_well) return RolloutRule::probes;
  return std::nullopt;
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
  if (!is_blind && is_candidate_silent(now))
    wanted.push_back({.rule = RolloutRule::candidate_silent});
  const std::uint32_t beside = probes_failed_in_row_[static_cast<std::size_t>(Role::baseline)];
  if (probes_failed_in_row_[static_cast<std::size_t>(Role::candidate)] >= kProbesInRow)
    wanted.push_back({.rule = RolloutRule::probes, .is_shared_cause = beside >= kProbesInRow});
  for (const auto& [queue, deep] : deep_queues_)
    if (deep.depth > kDeeperThanBefore * deep.before)
      wanted.push_back({.rule = RolloutRule::queue, .queue = queue});
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
  if (const std::optional<RolloutRule> rule = worse_rule()) {
    is_over_ = true;
    return answer(RolloutAnswer::Kind::rollback, {.rule = *rule}, now, names);
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
  RolloutAnswer answer{
      .kind = kind, .rule = about.rule, .is_shared_cause = about.is_shared_cause, .at = now};
  const RolloutWords words(*evidence_, versions_.candidate, versions_.baseline, names);
  words.fill(answer);
  if (about.rule == RolloutRule::queue && !about.queue.empty()) {
    const auto deep = deep_queues_.find(about.queue);
    if (deep != deep_queues_.end())
      answer.headline = words.queue(about.queue, deep->second.depth, deep->second.before);
  }
  if (kind == RolloutAnswer::Kind::resume) answer.headline = "over: what paused the rollout";
  return answer;
}

std::optional<std::string> RolloutJudgement::hindrance() const {
  if (is_over_) return versions_.candidate + " was to be rolled back";
  if (!pauses_.empty()) return std::string("paused by ") + name_of(pauses_.front().rule);
  if (evidence_->comparison().standing() != Standing::fine)
    return "the evidence against " + versions_.candidate + " is above 10 to 1";
  for (const GuardedRule rule : kGuarded)
    if (guarded_.is_bad(rule))
      return std::string("bad by the rule `") + name_of(rule_of(rule)) + "`";
  return std::nullopt;
}

}  // namespace belay::rules
