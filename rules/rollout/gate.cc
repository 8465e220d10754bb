#include "rules/rollout/gate.h"

#include <algorithm>
#include <chrono>

namespace belay::rules {
namespace {

/// Why one rule does not let the gate pass now; nothing if it does.
std::optional<Gate::Verdict> hindrance(const JudgedRule& rule, bool is_over_all_versions,
                                       Duration since_start) {
  const RuleStatus& status = rule.status();
  Gate::Verdict verdict;
  if (status.was_bad_before && status.truth != Truth::fine) {
    verdict.why = status.rule + " was bad before the gate began, and still is not fine";
  } else if (status.truth == Truth::unknown) {
    verdict.unknown = status.unknown;
    verdict.why = status.rule + " is unknown";
    if (status.unknown) verdict.why.append(" (").append(name_of(*status.unknown)).append(")");
    if (rule.rule().sentence.unknown_fails) verdict.failed_by_unknown = &rule.rule();
  } else if (status.firing || status.truth == Truth::bad) {
    verdict.why = status.rule + (status.firing ? " is firing" : " is bad");
  } else if (is_over_all_versions && rule.longest_window() > since_start) {
    verdict.unknown = UnknownKind::warming;
    verdict.why = status.rule + " looks back to before the gate";
  } else {
    return std::nullopt;
  }
  return verdict;
}

}  // namespace

bool counts_for_verdict(const Rule& rule) { return rule.then.kind != Then::Kind::alert; }

Gate::Gate(const GateStarted& started, Instant now, Service& service, NameTable& names,
           const std::vector<JudgedRule>& before)
    : candidate_(started.candidate),
      baseline_(started.baseline),
      started_(std::min(started.at, now)),
      ends_(started_ + started.lasts) {
  const VersionFilter candidate{.all = false, .version = names.id(candidate_)};
  binding_.unscoped = candidate;
  binding_.candidate = candidate;
  if (!baseline_.empty())
    binding_.baseline = VersionFilter{.all = false, .version = names.id(baseline_)};
  // Whole seconds: a second of requests that was counted elsewhere is in or out as one.
  binding_.since = std::chrono::floor<std::chrono::seconds>(started_);
  const std::vector<Rule>& rules = service.plan.rollout_rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    JudgedRule& rule =
        rules_.emplace_back(rules[i], service.plan.name, binding_, service.evidence, now);
    rule.mark_bad_before(before[i].status().truth == Truth::bad || before[i].is_firing());
    Blame& blame = blames_.emplace_back();
    blame.was_fine = before[i].status().truth == Truth::fine && !before[i].is_firing();
    if (mentions_baseline(rules[i].sentence.when)) continue;
    const auto bind = [&](NameId version) {
      return Blamed(rules[i].sentence, Binding::of_one_version(version, binding_.since),
                    service.evidence, now);
    };
    if (may_lack_versions(rules[i].sentence.when)) blame.candidate = bind(candidate.version);
    if (binding_.baseline) blame.baseline = bind(binding_.baseline->version);
  }
}

Gate::Blamed::Blamed(const Sentence& sentence, const Binding& binding, ServiceEvidence& evidence,
                     Instant now)
    : condition(sentence, binding, evidence, now), told(condition.blank_evidence()) {}

void Gate::note_fine() {
  for (std::size_t i = 0; i < rules_.size(); ++i)
    if (rules_[i].status().truth == Truth::fine) blames_[i].was_fine = true;
}

Gate::Fault Gate::fault_by(std::size_t rule, ServiceEvidence& evidence, Instant now) {
  Blame& blame = blames_[rule];
  const auto judge = [&](std::optional<Blamed>& blamed) {
    return blamed ? blamed->condition.judge(evidence, now, blamed->told).truth : Truth::unknown;
  };
  const Truth baseline = judge(blame.baseline);
  if (baseline == Truth::bad) return Fault::shared;
  if (blame.candidate && !blame.was_fine && judge(blame.candidate) != Truth::bad)
    return Fault::never_fine;
  return baseline == Truth::fine ? Fault::candidate : Fault::unclear;
}

Gate::Verdict Gate::verdict(const std::vector<JudgedRule>& always, Instant now) const {
  std::vector<Verdict> hindrances;
  std::size_t counting = 0;
  const auto consider = [&](const JudgedRule& rule, bool is_over_all_versions) {
    if (!counts_for_verdict(rule.rule())) return;
    ++counting;
    if (std::optional<Verdict> found = hindrance(rule, is_over_all_versions, now - started_))
      hindrances.push_back(std::move(*found));
  };
  for (const JudgedRule& rule : rules_) consider(rule, false);
  for (const JudgedRule& rule : always) consider(rule, true);
  if (counting == 0) return {.why = "no rule counts for the verdict"};
  if (hindrances.empty())
    return {
        .outcome = Outcome::pass,
        .why = std::to_string(counting) + (counting == 1 ? " rule is fine" : " rules are fine")};
  Verdict verdict;
  for (const Verdict& one : hindrances) {
    if (!verdict.why.empty()) verdict.why += "; ";
    verdict.why += one.why;
    if (one.unknown && (!verdict.unknown || *one.unknown < *verdict.unknown))
      verdict.unknown = one.unknown;
    if (verdict.failed_by_unknown == nullptr) verdict.failed_by_unknown = one.failed_by_unknown;
  }
  return verdict;
}

void Gate::keep(WindowStore& windows) const {
  for (const JudgedRule& rule : rules_) rule.keep(windows);
  for (const Blame& blame : blames_)
    for (const std::optional<Blamed>* blamed : {&blame.candidate, &blame.baseline})
      if (*blamed) (*blamed)->condition.keep(windows);
}

}  // namespace belay::rules
