#include "rules/rollout/drain.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "base/sanitize.h"

namespace belay::rules {
namespace {

using std::chrono::seconds;

constexpr Duration kOverMax = std::chrono::minutes{1};
/// So many requests show a share well enough, and so many in a hurry.
constexpr std::uint64_t kShows = 40;
constexpr std::uint64_t kShowsWell = 100;
constexpr Duration kBeforeStep = seconds{10};
/// A person who looks at the old version, or a probe that asks it, is not its
/// traffic.
constexpr double kShareMin = 0.01;
constexpr std::uint64_t kRequestsMin = 3;
constexpr std::uint64_t kHandful = 20;
constexpr double kHandfulOfBefore = 0.1;

Drain::Before add_up(const std::vector<VersionRequests>& requests, const std::string& version) {
  Drain::Before before;
  for (const VersionRequests& one : requests) {
    before.all += one.requests;
    if (!one.version.empty()) before.named += one.requests;
    if (one.version == version) before.own += one.requests;
  }
  return before;
}

std::uint64_t sum_of(Window& window, Instant now, Duration over, Duration behind) {
  window.advance(TimeBuckets(now));
  return std::get<CountWindow>(window.ring).sum_of(over, behind);
}

}  // namespace

double Drain::Before::share() const {
  return all == 0 ? 0 : static_cast<double>(own) / static_cast<double>(all);
}

Drain::Before Drain::before(const Service& service, const std::string& version, Instant now) {
  const Duration lag = service.evidence.lag_of(SourceKind::log, now);
  for (Duration over = kBeforeStep; over <= kOverMax; over += kBeforeStep) {
    const Before found = add_up(service.recent_requests(over, lag), version);
    if (found.all >= (over < kOverMax ? kShowsWell : kShows)) return found;
  }
  return add_up(service.recent_requests(), version);
}

Drain::Drain(std::string version, NameId id, const Before& before, Duration watched_for,
             const std::vector<const Rule*>& rules, ServiceEvidence& evidence, Instant now)
    : version_(std::move(version)),
      before_(before),
      since_(std::chrono::floor<seconds>(now + std::min(kSettles, watched_for / 2))),
      watched_for_(watched_for) {
  WindowSpec spec;
  spec.since = since_;
  spec.over = std::clamp(watched_for, kWindowMin, kWindowMax);
  of_all_ = evidence.windows.find_or_add(spec, now);
  spec.version = VersionFilter{.all = false, .version = kNoName};
  of_none_ = evidence.windows.find_or_add(spec, now);
  spec.version.version = id;
  of_version_ = evidence.windows.find_or_add(std::move(spec), now);
  for (const Rule* rule : rules)
    if (!mentions_baseline(rule->sentence.when) && !may_lack_versions(rule->sentence.when))
      asked_.push_back({rule, BoundCondition(rule->sentence, Binding::of_one_version(id, since_),
                                             evidence, now)});
}

Drain::Left Drain::left(const ServiceEvidence& evidence, Instant now) const {
  const Duration lag = evidence.lag_of(SourceKind::log, now);
  const Duration over_max = now - lag - since_;
  Duration over = std::clamp<Duration>(watched_for_ / 5, kWindowMin, kOverMax);
  Left left;
  for (; left.all < kShows; over += std::max<Duration>(seconds{1}, over / 4)) {
    const bool is_most = over >= over_max;
    left.all = sum_of(*of_all_, now, std::min(over, over_max), lag);
    left.own = sum_of(*of_version_, now, std::min(over, over_max), lag);
    left.nameless = sum_of(*of_none_, now, std::min(over, over_max), lag);
    if (is_most) break;
  }
  return left;
}

bool Drain::is_unseen(const ServiceEvidence& evidence, const Left& left, Instant now) const {
  if (evidence.of_kind(SourceKind::log).empty()) return false;
  const bool is_forgotten = before_.all == 0;
  if (before_.named == 0 && !is_forgotten) return false;
  const std::optional<UnknownKind> trouble = evidence.trouble_of(SourceKind::log, now);
  // Of what is sampled, a part shows who gets it.
  if (trouble && trouble != UnknownKind::sampled) return true;
  if (!evidence.is_covered(SourceKind::log, now, now - since_)) return true;
  return before_.named > 0 && left.all == left.nameless;
}

const Rule* Drain::bad_on_it(ServiceEvidence& evidence, Instant now) {
  for (Asked& asked : asked_) {
    std::vector<Evidence> told = asked.condition.blank_evidence();
    if (asked.condition.judge(evidence, now, told).truth == Truth::bad) return asked.rule;
  }
  return nullptr;
}

Drain::Finding Drain::look(ServiceEvidence& evidence, Instant now) {
  const Left left = this->left(evidence, now);
  const std::string name = sanitize(version_);
  const std::string words = name + " still gets " + std::to_string(left.own) + " of " +
                            std::to_string(left.all) + " requests";
  const auto own = static_cast<double>(left.own);
  const auto all = static_cast<double>(left.all);
  const bool is_more_than_few = left.own >= kRequestsMin && own >= kShareMin * all;
  if (is_more_than_few && own >= before_.share() / 2 * all)
    return {.is_objection = true, .words = words + ", so it may not have been taken back"};
  const bool is_handful = left.own < kHandful && own < kHandfulOfBefore * before_.share() * all;
  const Rule* bad = is_more_than_few && !is_handful ? bad_on_it(evidence, now) : nullptr;
  if (bad != nullptr)
    return {.is_objection = true, .words = words + ", and " + bad->name + " is bad on it"};
  if (is_unseen(evidence, left, now))
    return {.is_objection = true, .words = "nobody saw whether " + name + " still gets requests"};
  return {.is_objection = false, .words = left.own > 0 ? words : ""};
}

void Drain::keep(WindowStore& windows) const {
  for (Window* window : {of_version_, of_none_, of_all_}) windows.keep(window);
  for (const Asked& asked : asked_) asked.condition.keep(windows);
}

}  // namespace belay::rules
