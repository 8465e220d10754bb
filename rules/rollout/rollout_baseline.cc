// What a rollout is compared with and goes back to, where nobody names it.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "rules/rollout/baseline.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {

/// What a platform that cannot be read said last may be long over.
bool Rollout::is_live_current(Instant now) const {
  const auto& sources = *service_.evidence.sources;
  return std::none_of(sources.begin(), sources.end(), [&](const auto& source) {
    return source->plan().kind == SourceKind::platform &&
           source->plan().service == service_.plan.name && !source->is_retired() &&
           source->trouble(now).has_value();
  });
}

namespace {

/// Whether that promotion was this rollout's, and its steps ended where another version keeps most
/// of the traffic.
bool promoted_small(const RolloutRecord& record, const VersionHistory::Good& good) {
  constexpr double kMostPercent = 50;
  const RolloutStatus& status = record.status();
  return record.state() == RolloutState::promoted && status.candidate == good.version &&
         status.ended == good.at && !good.was_put_back &&
         status.steps.back().percent < kMostPercent;
}

std::string words_of_hollow(const std::string& version) {
  return sanitize(version) +
         " was promoted last, but Belay has seen nothing of it since its rollout began, so it is "
         "no baseline unless it is named by --baseline";
}

/// Whether one of the rules was bad as the candidate came: then so was whatever had the traffic
/// until then.
bool was_bad(const std::vector<JudgedRule>& rules, bool (*asks)(const Rule&),
             const std::optional<Instant>& came) {
  return std::any_of(rules.begin(), rules.end(), [&](const JudgedRule& rule) {
    const RuleStatus& status = rule.status();
    return asks(rule.rule()) && status.truth == Truth::bad && status.bad_since &&
           (!came || *status.bad_since <= *came);
  });
}

}  // namespace

/// Whether a promotion of this life is all that speaks for that version, and much against it:
/// neither the platform nor a log has shown it since its rollout began, and another version was
/// seen. So it may be a typo. Where none was, the logs are late, or name no versions.
bool Rollout::is_hollow(const VersionHistory::Good& good) const {
  if (good.was_put_back || good.was_given_traffic || good.at < start_) return false;
  const auto record = std::ranges::find_if(records_, [&](const RolloutRecord& one) {
    return one.state() == RolloutState::promoted && one.status().candidate == good.version &&
           one.status().ended == good.at;
  });
  const bool is_forgotten = record == records_.end();
  const Instant began = is_forgotten ? good.at : record->status().started;
  if (began < start_) return false;
  const std::optional<Instant> seen = service_.last_seen(names_.id(good.version));
  if (seen && (*seen >= began || is_forgotten)) return false;
  return std::ranges::any_of(service_.version_names(), [&](const std::string& other) {
    return service_.last_seen(names_.id(other)) > began;
  });
}

Baseline Rollout::baseline_for(const RolloutStarted& asked, Instant now) const {
  KnownVersions known;
  const std::optional<Deployment>& live = log_.live(traffic_.reading());
  const std::string suspect = versions_.is_suspect() ? versions_.promoted_last() : "";
  const std::optional<Instant> came =
      service_.came(names_.id(asked.candidate), std::chrono::seconds{5});
  const bool was_service_bad = was_bad(service_.before, counts_for_verdict, came) ||
                               was_bad(service_.always, counts_for_verdict, came);
  const auto is_critical = [](const Rule& rule) { return rule.severity == Severity::critical; };
  // What turned bad after its promotion is nothing to go back to. What serves and is fine again
  // is not gone back to: it stays.
  const bool serves =
      !suspect.empty() && !was_service_bad && !was_bad(service_.always, is_critical, came) &&
      (live && is_live_current(now)
           ? largest_other(*live, asked.candidate) == suspect
           : has_most(suspect, asked.candidate,
                      service_.recent_requests(std::chrono::minutes{1}, Duration::zero())));
  std::string hollow;
  std::optional<VersionHistory::Good> good =
      versions_.last_good(now, [&](const VersionHistory::Good& one) {
        if (book_.was_rolled_away(service_.plan.name, one.version)) return false;
        if (!is_hollow(one)) return true;
        if (hollow.empty() && one.version != asked.candidate) hollow = one.version;
        return false;
      });
  if (serves) {
    good = VersionHistory::Good{.version = suspect, .at = versions_.promoted_at()};
    hollow.clear();
  }
  if (good) {
    known.good = good->version;
    known.was_put_back = good->was_put_back;
    const bool is_small = std::ranges::any_of(
        records_, [&](const RolloutRecord& record) { return promoted_small(record, *good); });
    known.replaced_by = replacement_of(
        good->version, traffic_since(service_, good->at, now),
        [&](const std::string& version) {
          return version != asked.candidate && why_not_baseline(version, now).empty();
        },
        is_small ? 2 : kClearly);
    if (suspect.empty() && was_service_bad) known.replaced_by.clear();
  }
  known.why_not = [&, this](const std::string& version) {
    const std::string why =
        serves && version == suspect ? std::string() : why_not_baseline(version, now);
    return why.empty() ? std::nullopt : std::optional(why);
  };
  Baseline chosen =
      choose_baseline(asked.candidate, asked.baseline, is_live_current(now) ? live : std::nullopt,
                      service_.recent_requests(), known);
  if (hollow.empty() || !asked.baseline.empty() || chosen.from == Baseline::From::live)
    return chosen;
  const bool has_others =
      sum_of(beside(service_.recent_requests(), asked.candidate)) >= kTrafficRequestsMin;
  if (chosen.version.empty() && !has_others) {
    chosen.version = hollow;
    chosen.from = Baseline::From::promoted;
  } else {
    chosen.passed_over.insert(chosen.passed_over.begin(), words_of_hollow(hollow));
  }
  return chosen;
}

/// Empty where nothing is to be told. What an earlier life promoted or put back may have been seen
/// by that one.
std::string Rollout::beware_unseen(const RolloutStatus& status, Instant now) const {
  const auto good = versions_.last_good(
      now, [&](const VersionHistory::Good& one) { return one.version == status.baseline; });
  if (good && (good->at < start_ || good->was_given_traffic)) return {};
  return beware_of_unseen(status.baseline, status.candidate, log_.live(traffic_.reading()),
                          service_, good && is_hollow(*good));
}

/// However many requests it still gets.
std::string Rollout::why_not_baseline(const std::string& version, Instant now) const {
  const std::optional<std::string> failure = versions_.failure_of(version, now);
  // Naming it does not help: no rollback goes back to it.
  if (book_.was_rolled_away(service_.plan.name, version))
    return (failure ? *failure + " and" : sanitize(version)) +
           " was rolled away from, so it is no baseline unless it is promoted";
  if (failure && version == versions_.promoted_last() && versions_.is_suspect())
    return *failure + ", and is no baseline until it has been fine for 10m";
  if (failure)
    return *failure + ", and is no baseline until " + format_utc(*versions_.held_until(version)) +
           " unless it is promoted, or named by --baseline";
  return {};
}

}  // namespace belay::rules
