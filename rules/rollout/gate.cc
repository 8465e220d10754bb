#include "rules/rollout/gate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/language/conditions.h"
#include "rules/language/rule_check.h"
#include "rules/rollout/before_rollout.h"
#include "rules/rollout/notices.h"

namespace belay::rules {
namespace {

constexpr Duration kBackdatedMax = std::chrono::seconds{1};

}  // namespace

bool counts_for_verdict(const Rule& rule) { return rule.then.kind != Then::Kind::alert; }

std::string beware_of_short_gate(const ServicePlan& plan, Duration lasts) {
  const Rule* longest = nullptr;
  Duration needed = lasts;
  const auto consider = [&](const Rule& rule, double share) {
    // Of several conditions the shorter one may do.
    std::size_t conditions = 0;
    for_each_condition(rule.sentence.when, [&conditions](const Condition&) { ++conditions; });
    const Duration window = longest_window(rule.sentence);
    const auto least = std::chrono::duration_cast<Duration>(window * share);
    if (!counts_for_verdict(rule) || conditions > 1 || least <= lasts || window <= needed) return;
    longest = &rule;
    needed = window;
  };
  for (const Rule& rule : plan.rollout_rules) consider(rule, kCoverageMin);
  for (const Rule& rule : plan.rules) consider(rule, 1);
  if (longest == nullptr) return {};
  return "beware: " + longest->name + " looks back " + format_duration(needed) +
         ", and this lasts " + format_duration(lasts) +
         ": it is not known to be fine by then, so this cannot pass; watch for " +
         format_duration(needed);
}

Gate::Gate(const RolloutStarted& started, Instant now, Service& service, NameTable& names,
           const std::vector<RuleBefore>& before)
    : candidate_(started.candidate),
      baseline_(started.baseline),
      // Evidence from before now was not kept: nobody may count on it.
      started_(std::clamp(started.at, now - kBackdatedMax, now)) {
  const VersionFilter candidate{.all = false, .version = names.id(candidate_)};
  binding_.unscoped = candidate;
  binding_.candidate = candidate;
  if (!baseline_.empty())
    binding_.baseline = VersionFilter{.all = false, .version = names.id(baseline_)};
  // Whole seconds: a second of requests that was counted elsewhere is in or out as one.
  binding_.since = std::chrono::floor<std::chrono::seconds>(started_);
  service.evidence.paired = std::make_unique<PairedEvidence>(
      candidate.version, binding_.baseline ? binding_.baseline->version : kNoName, binding_.since,
      ComparisonSpec::of(service.plan.rollout.limits));
  add_rules(service, now, before);
}

void Gate::add_rules(Service& service, Instant now, const std::vector<RuleBefore>& before) {
  Blame::Versions versions{
      .candidate = Binding::of_one_version(binding_.unscoped.version, binding_.since),
      .baseline = std::nullopt};
  if (binding_.baseline)
    versions.baseline = Binding::of_one_version(binding_.baseline->version, binding_.since);
  const auto add_blame = [&](std::vector<Blame>& blames, JudgedRule& rule,
                             const Blame::Versions& asked) {
    Blame::Before known = before_in(before, rule, rule.rule().name);
    rule.mark_bad_before(known.bad.has_value());
    blames.emplace_back(rule, std::move(known), asked, service.evidence, now);
  };
  for (const Rule& rule : service.plan.rollout_rules) {
    rules_.emplace_back(rule, service.plan.name, binding_, service.evidence, now);
    add_blame(blames_, rules_.back(), versions);
  }
  for (JudgedRule& rule : service.always) {
    // A flag or a command is the service's own remedy: only against a version there is blame.
    const bool is_against_candidate = rule.rule().then.kind == Then::Kind::rollback;
    add_blame(blames_of_always_, rule, is_against_candidate ? versions : Blame::Versions{});
  }
}

std::optional<Gate::Verdict> Gate::hindrance(const JudgedRule& rule, const std::string& name,
                                             const Blame& blame, bool looks_back, Duration inside) {
  const RuleStatus& status = rule.status();
  Verdict verdict;
  if (status.was_bad_before && status.truth != Truth::fine) {
    verdict.why = name + " was bad before the gate began" +
                  (blame.before().bad ? " (" + gist_of(*blame.before().bad) + ")" : "") +
                  ", and still is not fine";
  } else if (status.truth == Truth::unknown) {
    verdict.unknown = status.unknown;
    verdict.why = name + " is unknown";
    if (status.unknown) verdict.why.append(" (").append(name_of(*status.unknown)).append(")");
    for (const Evidence& one : status.evidence)
      if (one.truth == Truth::unknown && !one.note.empty()) verdict.why += ": " + one.note;
    if (rule.rule().sentence.unknown_fails) verdict.failed_by_unknown = &rule.rule();
  } else if (status.firing || status.truth == Truth::bad) {
    verdict.why = name + (status.firing ? " is firing" : " is bad");
  } else if (looks_back && rule.longest_window() > inside) {
    verdict.unknown = UnknownKind::warming;
    verdict.why = name + " looks back to before the step";
  } else {
    return std::nullopt;
  }
  return verdict;
}

Gate::Verdict Gate::verdict(const std::vector<JudgedRule>& always, Instant now,
                            Instant since) const {
  std::vector<Verdict> hindrances;
  std::size_t counting = 0;
  const auto consider = [&](const JudgedRule& rule, const Blame& blame, bool looks_back) {
    if (!counts_for_verdict(rule.rule())) return;
    ++counting;
    if (std::optional<Verdict> found =
            hindrance(rule, rule.rule().name, blame, looks_back, now - since))
      hindrances.push_back(std::move(*found));
  };
  for (std::size_t i = 0; i < rules_.size(); ++i) consider(rules_[i], blames_[i], since > started_);
  for (std::size_t i = 0; i < always.size(); ++i) consider(always[i], blames_of_always_[i], true);
  if (counting == 0) return {.why = "no rule counts for the verdict", .has_no_rules = true};
  if (hindrances.empty())
    return {
        .outcome = Outcome::pass,
        .why = std::to_string(counting) + (counting == 1 ? " rule is fine" : " rules are fine")};
  Verdict verdict;
  for (const Verdict& one : hindrances) add(verdict, one);
  return verdict;
}

void Gate::add(Verdict& verdict, const Verdict& hindrance) {
  if (verdict.outcome == Outcome::pass) verdict.why.clear();
  verdict.outcome = Outcome::unknown;
  if (!verdict.why.empty()) verdict.why += "; ";
  verdict.why += hindrance.why;
  if (hindrance.unknown && (!verdict.unknown || *hindrance.unknown < *verdict.unknown))
    verdict.unknown = hindrance.unknown;
  if (verdict.failed_by_unknown == nullptr) verdict.failed_by_unknown = hindrance.failed_by_unknown;
}

std::vector<RuleBefore> Gate::before(const std::vector<JudgedRule>& always) const {
  std::vector<RuleBefore> before;
  for (std::size_t i = 0; i < rules_.size(); ++i)
    before.push_back(as_kept(rules_[i], rules_[i].rule().name, blames_[i]));
  for (std::size_t i = 0; i < always.size(); ++i)
    before.push_back(as_kept(always[i], always[i].rule().name, blames_of_always_[i]));
  return before;
}

void Gate::keep(WindowStore& windows) const {
  for (const JudgedRule& rule : rules_) rule.keep(windows);
  for (const Blame& blame : blames_) blame.keep(windows);
  for (const Blame& blame : blames_of_always_) blame.keep(windows);
}

}  // namespace belay::rules
