#include "rules/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "rules/judgement/default_rules.h"

namespace belay::rules {
namespace {

std::vector<Rule> default_before_of(const ServicePlan& plan) {
  if (!plan.rollout.is_judged_by_default) return {};
  return {errors_before(plan.rollout.limits)};
}

/// Null if it was not seen; of kNoName the first, which is for events without a version.
template <typename Seen>
const Seen* find_version(const std::vector<Seen>& versions, NameId version) {
  const auto found = std::ranges::find(versions, version, &Seen::version);
  return found == versions.end() ? nullptr : &*found;
}

}  // namespace

Service::Service(ServicePlan plan_of_it, std::uint32_t routes_max, Instant since)
    : plan(std::move(plan_of_it)),
      watched_since(since),
      series(routes_max),
      failed_(kRecent, since),
      misnamed_(kRecent, since),
      misnamed_nameless_(kRecent, since) {
  versions_.emplace_back(kNoName, since);
}

void Service::bind(Instant now) {
  for (const Rule& rule : plan.rules)
    always.emplace_back(rule, plan.name, Binding{}, evidence, now);
  default_before_ = default_before_of(plan);
  for (const std::vector<Rule>* rules : {&plan.rollout_rules, &default_before_})
    for (const Rule& rule : *rules)
      before.emplace_back(rule, plan.name, Binding::of_the_service_before(), evidence, now);
  for (const Rule& rule : plan.preflight_rules)
    preflight.emplace_back(rule, plan.name, Binding::of_the_service_before(), evidence, now);
}

void Service::adopt(ServicePlan next, Instant now) {
  // The rules of the old plan live until nobody points into it.
  const ServicePlan replaced = std::exchange(plan, std::move(next));
  const std::vector<Rule> replaced_default =
      std::exchange(default_before_, default_before_of(plan));
  const JudgedRules old_always = std::exchange(always, {});
  const JudgedRules old_before = std::exchange(before, {});
  const JudgedRules old_preflight = std::exchange(preflight, {});
  const std::vector<const JudgedRules*> readers = {&old_always, &old_before, &old_preflight,
                                                   &always,     &before,     &preflight};
  rebind(plan.rules, Binding{}, old_always, always, readers, now);
  const Binding whole = Binding::of_the_service_before();
  rebind(plan.rollout_rules, whole, old_before, before, readers, now);
  rebind(default_before_, whole, old_before, before, readers, now);
  rebind(plan.preflight_rules, whole, old_preflight, preflight, readers, now);
}

void Service::rebind(const std::vector<Rule>& rules, const Binding& binding,
                     const JudgedRules& earlier, JudgedRules& into,
                     const std::vector<const JudgedRules*>& others, Instant now) {
  WindowStore& windows = evidence.windows;
  for (const Rule& rule : rules) {
    const auto same = std::find_if(earlier.begin(), earlier.end(),
                                   [&](const JudgedRule& one) { return one.rule() == rule; });
    Binding bound = binding;
    if (same != earlier.end()) bound.since = same->since();
    const std::size_t known = windows.size();
    JudgedRule judged(rule, plan.name, bound, evidence, now);
    if (windows.size() > known) {
      // An empty window is no evidence of what happened before it was made.
      bound.since = std::chrono::floor<std::chrono::seconds>(now);
      windows.begin_release();
      for (const JudgedRules* list : others)
        for (const JudgedRule& one : *list) one.keep(windows);
      judged = JudgedRule(rule, plan.name, bound, evidence, now);
      judged.keep(windows);
      windows.end_release();
    }
    if (same != earlier.end()) judged.go_on_from(*same);
    into.push_back(std::move(judged));
  }
}

void Service::forget_source(std::uint32_t source) {
  evidence.probes.erase(source);
  std::erase_if(evidence.queues, [source](const auto& queue) {
    return static_cast<std::uint32_t>(queue.second.last.source) == source;
  });
}

std::uint32_t Service::version_slot(NameId version, std::uint32_t versions_max,
                                    const std::vector<NameId>& spared, const TimeBuckets& now) {
  if (version == kNoName) return 0;
  const auto known =
      std::find_if(versions_.begin() + 1, versions_.end(),
                   [version](const SeenVersion& seen) { return seen.version == version; });
  if (known != versions_.end()) return static_cast<std::uint32_t>(known - versions_.begin());
  if (versions_.size() <= std::max(versions_max, 1U)) {
    versions_.emplace_back(version, now);
    return static_cast<std::uint32_t>(versions_.size() - 1);
  }
  auto oldest = versions_.end();
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen) {
    if (std::find(spared.begin(), spared.end(), seen->version) != spared.end()) continue;
    if (oldest == versions_.end() || seen->seen < oldest->seen) oldest = seen;
  }
  if (oldest == versions_.end()) return 0;
  series.drop_version(oldest->version);
  ++epoch;
  *oldest = SeenVersion(version, now);
  return static_cast<std::uint32_t>(oldest - versions_.begin());
}

Service::SeenVersion::SeenVersion(NameId of, const TimeBuckets& now)
    : version(of),
      recent(kRecent, now),
      failed(kRecent, now),
      canceled(kRecent, now),
      turned_away(kRecent, now) {}

void Service::SeenVersion::come(Instant at) {
  const Duration absent = comings.empty() ? Duration::max() : at - seen;
  while (!comings.empty() && comings.back().absent <= absent) comings.pop_back();
  comings.push_back({at, absent});
}

void Service::SeenVersion::come_earlier(Instant at) {
  const Coming last = comings.back();
  const bool is_first = comings.size() == 1;
  const Duration after = last.at - at;
  const Duration before = is_first ? Duration::max() : last.absent - after;
  if (before <= Duration::zero()) return;
  comings.pop_back();
  // It cuts the absence in two.
  if (before > kAbsentMin && (before > after || after <= kAbsentMin))
    comings.push_back({at, before});
  if (after > kAbsentMin) comings.push_back({last.at, after});
}

std::optional<Instant> Service::came(NameId version, Duration absent) const {
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen) {
    if (seen->version != version) continue;
    for (auto coming = seen->comings.rbegin(); coming != seen->comings.rend(); ++coming)
      if (coming->absent >= absent) return coming->at;
  }
  return std::nullopt;
}

std::optional<Instant> Service::last_seen(NameId version) const {
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen)
    if (seen->version == version && !seen->comings.empty()) return seen->seen;
  return std::nullopt;
}

void Service::forget_old_requests(const TimeBuckets& now) {
  failed_.advance(now);
  misnamed_.advance(now);
  misnamed_nameless_.advance(now);
  for (SeenVersion& seen : versions_) {
    seen.recent.advance(now);
    seen.failed.advance(now);
    seen.canceled.advance(now);
    seen.turned_away.advance(now);
  }
}

bool Service::have_invocations_failed(NameId version, Instant now) const {
  return std::ranges::any_of(versions_, [&](const SeenVersion& seen) {
    const bool is_asked = seen.version == version || seen.version == kNoName;
    return is_asked && seen.invocation_failed > now - kRecent;
  });
}

std::optional<Service::UsualSpan> Service::usual_span(NameId candidate, Instant now) const {
  constexpr Duration kWatchedMin = std::chrono::minutes{1};
  const Instant since = std::max(watched_since, now - kRecent);
  const Duration watched = now - since;
  // What has failed since it came may be its own; of one that is there for long it is usual.
  Instant until = std::min(now, came(candidate, kAbsentMin).value_or(now));
  if (watched >= kRecent && until - since < kWatchedMin) until = now;
  // What is not told yet must not be missed in it, if enough is left then.
  const Instant told = now - evidence.lag_of(SourceKind::log, now);
  if (told - since >= kWatchedMin) until = std::min(until, told);
  if (until - since < kWatchedMin || !evidence.is_covered(SourceKind::log, now, watched))
    return std::nullopt;
  return UsualSpan{.behind = now - until, .over = until - since};
}

std::optional<StrayFailures::Usual> Service::failures_beside(NameId candidate, NameId baseline,
                                                             Instant now) const {
  const std::optional<UsualSpan> asked = usual_span(candidate, now);
  if (!asked) return std::nullopt;
  const auto failed_of = [&](const CountWindow& failed) {
    return failed.sum_of(asked->over, asked->behind);
  };
  const std::uint64_t nameless = failed_of(versions_.front().failed);
  std::uint64_t named = failed_of(failed_);
  named -= std::min(named, nameless);
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen)
    if (seen->version == candidate || seen->version == baseline)
      named -= std::min(named, failed_of(seen->failed));
  return StrayFailures::Usual{.nameless = static_cast<double>(nameless + 1) / seconds(asked->over),
                              .named = static_cast<double>(named + 1) / seconds(asked->over)};
}

StrayFailures::Usual Service::misnamed_beside(NameId candidate, Instant now) const {
  const std::optional<UsualSpan> asked = usual_span(candidate, now);
  if (!asked) return {};
  const auto rate_of = [&](const CountWindow& failed) {
    return static_cast<double>(failed.sum_of(asked->over, asked->behind)) / seconds(asked->over);
  };
  return {.nameless = rate_of(misnamed_nameless_), .named = rate_of(misnamed_)};
}

RecentFailures::Sums Service::outcomes_of(NameId version, Duration over) const {
  const SeenVersion* seen = find_version(versions_, version);
  if (seen == nullptr) return {};
  return {.requests = seen->recent.sum_of(over, Duration::zero()),
          .failed = seen->failed.sum_of(over, Duration::zero())};
}

PairedEvidence::Sums Service::clients_of(NameId version) const {
  const SeenVersion* seen = find_version(versions_, version);
  if (seen == nullptr) return {};
  return {.total = seen->recent.sum(),
          .canceled = seen->canceled.sum(),
          .turned_away = seen->turned_away.sum()};
}

std::vector<VersionRequests> Service::recent_answers(Duration over) const {
  std::vector<VersionRequests> found;
  for (const SeenVersion& seen : versions_) {
    const std::uint64_t requests = seen.recent.sum_of(over, Duration::zero());
    const std::uint64_t failed = seen.failed.sum_of(over, Duration::zero());
    if (seen.version != kNoName && requests > failed)
      found.push_back(
          {.version = evidence.names->text(seen.version), .requests = requests - failed});
  }
  return found;
}

std::vector<VersionRequests> Service::recent_requests() const {
  return recent_requests(kRecent, Duration::zero());
}

std::vector<VersionRequests> Service::recent_requests(Duration over, Duration behind) const {
  std::vector<VersionRequests> found;
  for (const SeenVersion& seen : versions_) {
    if (seen.recent.sum() == 0) continue;
    const bool is_all = over >= kRecent && behind <= Duration::zero();
    const std::uint64_t requests = is_all ? seen.recent.sum() : seen.recent.sum_of(over, behind);
    if (requests > 0)
      found.push_back({.version = seen.version == kNoName ? "" : evidence.names->text(seen.version),
                       .requests = requests});
  }
  std::sort(found.begin(), found.end(),
            [](const VersionRequests& left, const VersionRequests& right) {
              return left.version < right.version;
            });
  return found;
}

std::vector<std::string> Service::version_names() const {
  std::vector<std::string> names;
  for (auto seen = versions_.begin() + 1; seen != versions_.end(); ++seen)
    names.push_back(evidence.names->text(seen->version));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace belay::rules
