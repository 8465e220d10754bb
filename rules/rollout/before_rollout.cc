#include "rules/rollout/before_rollout.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/rollout/baseline.h"

namespace belay::rules {
namespace {

constexpr Duration kLately = std::chrono::minutes{2};
/// Between requests this far apart a version is there, also where few come.
constexpr Duration kAwayMin = std::chrono::minutes{1};

/// Away for a window, nothing of it was in what the rule looked at when it came back.
std::optional<Instant> came_for(const JudgedRule& rule, const Service& service, NameId candidate) {
  const Duration window = rule.longest_window();
  return service.came(candidate, window > Duration::zero() ? window : kAwayMin);
}

bool was_watched_before(Instant came, const JudgedRule& rule, Instant watched_since) {
  return came - std::max(watched_since, rule.since()) >= rule.longest_window();
}

/// The baseline's share of errors before, of a service that is bad: what of a third version came in
/// between is no excuse.
void look_at_baseline(Evidence& bad, const Service& service, NameId baseline) {
  constexpr std::uint64_t kRequestsMin = 20;
  RecentFailures::Sums own = service.outcomes_of(baseline, bad.window);
  if (own.requests < kRequestsMin) own = service.outcomes_of(baseline, kLately);
  const double share = static_cast<double>(own.failed) /
                       static_cast<double>(std::max<std::uint64_t>(own.requests, 1));
  if (share >= bad.value) return;
  bad.value = share;
  bad.numerator = own.failed;
  bad.denominator = own.requests;
}

/// By what is seen now.
Blame::Before before_of(const JudgedRule& rule, const Service& service, NameId candidate,
                        Instant watched_since) {
  const RuleStatus& status = rule.status();
  if (status.truth != Truth::bad && !status.firing)
    return {.bad = std::nullopt, .was_fine = status.truth == Truth::fine};
  const std::optional<Instant> came = came_for(rule, service, candidate);
  if (came && was_watched_before(*came, rule, watched_since) && status.bad_since &&
      *status.bad_since > *came)
    return {.bad = std::nullopt, .was_fine = true};
  return {.bad = status.evidence, .was_fine = false};
}

/// For the rule of the default judgement.
Blame::Before errors_before_of(const JudgedRule& rule, const Service& service,
                               const NamedVersions& versions, Instant watched_since) {
  Blame::Before found = before_of(rule, service, versions.candidate, watched_since);
  // What turned bad after it had come is no excuse, also where nobody watched before that.
  const std::optional<Instant> came = came_for(rule, service, versions.candidate);
  if (came && rule.status().bad_since.value_or(*came) > *came) found.bad.reset();
  // Nor is what a third version did: the way back leads past that one.
  const NameTable& names = *service.evidence.names;
  if (!has_most(names.text(versions.baseline), names.text(versions.candidate),
                service.recent_requests(kLately, Duration::zero())))
    found.bad.reset();
  if (found.bad && !found.bad->empty()) {
    look_at_baseline(found.bad->front(), service, versions.baseline);
    if (found.bad->front().value <= found.bad->front().threshold) found.bad.reset();
  }
  return found;
}

RuleBefore kept_as(const JudgedRule& rule, const std::string& name, Blame::Before before) {
  RuleBefore kept{.rule = name, .sentence = rule.status().sentence};
  if (before.bad) {
    kept.truth = Truth::bad;
    kept.evidence = *std::move(before.bad);
  } else if (before.was_fine) {
    kept.truth = Truth::fine;
  }
  return kept;
}

/// The numbers that were known, maybe of an earlier life, in the words of the rule as it is now.
RuleBefore in_words_of(const JudgedRule& rule, const RuleBefore& known) {
  RuleBefore told = known;
  told.evidence = rule.status().evidence;
  if (known.truth == Truth::bad && known.evidence.size() != told.evidence.size())
    told.truth = Truth::unknown;
  if (told.truth != Truth::bad) told.evidence.clear();
  for (std::size_t i = 0; i < told.evidence.size(); ++i) {
    Evidence& one = told.evidence[i];
    const Evidence& numbers = known.evidence[i];
    one.truth = numbers.truth;
    one.has_value = numbers.has_value;
    one.value = numbers.value;
    one.threshold = numbers.threshold;
    one.numerator = numbers.numerator;
    one.denominator = numbers.denominator;
    one.note.clear();
  }
  return told;
}

/// Whether all requests say which version they are of.
bool are_all_named(const Service& service) {
  return std::ranges::none_of(service.recent_requests(kLately, Duration::zero()),
                              [](const VersionRequests& one) { return one.version.empty(); });
}

/// Whether it turned bad after it was `known`, and under the baseline alone. What names no version
/// does not tell: a candidate may harm before its first request is logged.
bool turned_bad_before(const JudgedRule& rule, const RuleBefore* known, const Service& service,
                       NameId candidate, Instant watched_since) {
  const RuleStatus& status = rule.status();
  const bool was_bad = known != nullptr && known->truth == Truth::bad;
  if (was_bad || may_lack_versions(rule.rule().sentence.when) || !status.bad_since) return false;
  const std::optional<Instant> came = came_for(rule, service, candidate);
  if (!came) return are_all_named(service);
  return was_watched_before(*came, rule, watched_since) && *status.bad_since <= *came;
}

/// By what was known, and what is fine by now.
RuleBefore remembered_of(const JudgedRule& rule, const std::string& name, const RuleBefore* known) {
  const RuleStatus& status = rule.status();
  if (status.truth == Truth::fine && !status.firing)
    return kept_as(rule, name, {.bad = std::nullopt, .was_fine = true});
  return known != nullptr ? in_words_of(rule, *known) : kept_as(rule, name, {});
}

}  // namespace

std::vector<RuleBefore> rules_before(const Service& service, const std::vector<Guard>& guards,
                                     const NamedVersions& versions, Instant watched_since,
                                     const std::vector<RuleBefore>& known) {
  std::vector<RuleBefore> before;
  const JudgedRule* errors = service.errors_before();
  const auto look = [&](const JudgedRule& rule, const std::string& name) {
    return kept_as(rule, name,
                   &rule == errors ? errors_before_of(rule, service, versions, watched_since)
                                   : before_of(rule, service, versions.candidate, watched_since));
  };
  const auto add = [&](const JudgedRule& rule) {
    const std::string& name = rule.rule().name;
    const RuleBefore* found = find_before(known, name, rule.status().sentence);
    const bool is_remembered =
        !known.empty() &&
        !turned_bad_before(rule, found, service, versions.candidate, watched_since);
    before.push_back(is_remembered ? remembered_of(rule, name, found) : look(rule, name));
  };
  for (const std::vector<JudgedRule>* rules : {&service.before, &service.always})
    for (const JudgedRule& rule : *rules)
      if (&rule != errors) add(rule);
  // The versions that its requests name are its own.
  for_each_guarding(guards, [&](const Guard& guard, const JudgedRule& rule, const Binding&) {
    const std::string name = name_of_guarding(guard.name, rule.rule().name);
    before.push_back(
        known.empty()
            ? look(rule, name)
            : remembered_of(rule, name, find_before(known, name, rule.status().sentence)));
  });
  if (errors != nullptr) add(*errors);
  return before;
}

const RuleBefore* find_before(const std::vector<RuleBefore>& before, const std::string& name,
                              const std::string& sentence) {
  const auto found = std::ranges::find_if(
      before, [&](const RuleBefore& one) { return one.rule == name && one.sentence == sentence; });
  return found == before.end() ? nullptr : &*found;
}

Blame::Before before_in(const std::vector<RuleBefore>& before, const JudgedRule& rule,
                        const std::string& name) {
  const RuleBefore* found = find_before(before, name, rule.status().sentence);
  if (found == nullptr || found->truth == Truth::unknown) return {};
  if (found->truth == Truth::fine) return {.bad = std::nullopt, .was_fine = true};
  return {.bad = found->evidence, .was_fine = false};
}

RuleBefore as_kept(const JudgedRule& rule, const std::string& name, const Blame& blame) {
  Blame::Before before = blame.before();
  if (!rule.status().was_bad_before) before.bad.reset();
  return kept_as(rule, name, std::move(before));
}

}  // namespace belay::rules
