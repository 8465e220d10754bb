#include "rules/rollout/drain.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>
#include <variant>

#include "base/sanitize.h"
#include "rules/judgement/chance.h"
#include "rules/language/false_alarms.h"

namespace belay::rules {
namespace {

using std::chrono::seconds;

constexpr Duration kOverMax = std::chrono::minutes{1};
/// So many requests show a share well enough, and so many in a hurry.
constexpr std::uint64_t kShows = 40;
constexpr std::uint64_t kShowsWell = 100;
/// Where nobody knows any more how many the version had.
constexpr std::uint64_t kShowsAnything = 10;
constexpr Duration kBeforeStep = seconds{10};
/// So many requests of the version, had nothing been done, show that it has lost them.
constexpr double kExpectedMin = 10;
/// How often chance alone may leave so few of them.
constexpr double kByChance = 0.01;
constexpr std::uint64_t kHandful = 20;
constexpr double kHandfulOfBefore = 0.1;
/// What another version has more than before, in standard deviations, is no chance.
constexpr double kDeviations = 3;

Drain::Before add_up(const std::vector<VersionRequests>& requests,
                     const Drain::Versions& versions) {
  Drain::Before before;
  for (const VersionRequests& one : requests) {
    before.all += one.requests;
    if (!one.version.empty()) before.named += one.requests;
    if (one.version == versions.left) {
      before.own += one.requests;
    } else if (one.version != versions.restored) {
      before.rest += one.requests;
    }
  }
  return before;
}

std::string words_of(std::uint64_t part, std::uint64_t all) {
  return std::to_string(part) + " of " + std::to_string(all) + " requests";
}

std::uint64_t sum_of(Window& window, Instant now, Duration over, Duration behind) {
  window.advance(TimeBuckets(now));
  return std::get<CountWindow>(window.ring).sum_of(over, behind);
}

}  // namespace

double Drain::Before::share() const {
  return all == 0 ? 0 : static_cast<double>(own) / static_cast<double>(all);
}

bool Drain::Before::shows_a_share() const { return all >= kShows; }

double Drain::Before::likely_share() const {
  if (own >= kTrafficRequestsMin || !given) return share();
  return own > 0 ? std::min(*given, share()) : *given;
}

std::optional<Drain::Before> Drain::before(const RolloutNumbers& numbers) {
  const auto all = [](const PairCounts& counts) {
    return counts[Role::candidate].total + counts[Role::baseline].total;
  };
  // Near the end of it, the share may have been larger than all along.
  const PairCounts& counts = all(numbers.counts) >= kShows ? numbers.counts : numbers.since_start;
  if (all(counts) == 0) return std::nullopt;
  return Before{.own = counts[Role::candidate].total,
                .rest = 0,
                .named = all(counts),
                .all = all(counts),
                .is_of_pair = true};
}

Drain::Before Drain::before(const Service& service, NameTable& names, const Versions& versions,
                            Instant now) {
  const Duration lag = service.evidence.lag_of(SourceKind::log, now);
  Before before;
  for (Duration over = kBeforeStep; before.all < kShowsWell && over <= kOverMax;
       over += kBeforeStep)
    before = add_up(service.recent_requests(over, lag), versions);
  if (!before.shows_a_share()) before = add_up(service.recent_requests(), versions);
  const PairedEvidence* paired = service.evidence.paired.get();
  if (paired != nullptr && paired->candidate() == names.id(versions.left) &&
      paired->baseline() == names.id(versions.restored) && now - paired->step_began() < kOverMax &&
      !paired->has_mixed_shares() && !paired->is_baseline_behind()) {
    before.own_in_step = paired->total_in_step(Role::candidate);
    before.both_in_step = before.own_in_step + paired->total_in_step(Role::baseline);
  }
  return before;
}

Drain::Drain(Versions versions, NameTable& names, std::optional<Before> before,
             Duration watched_for, const std::vector<const Rule*>& rules, ServiceEvidence& evidence,
             Instant now)
    : versions_(std::move(versions)),
      is_known_(before.has_value()),
      before_(before.value_or(Before{})),
      since_(std::chrono::floor<seconds>(now + std::min(kSettles, watched_for / 2))),
      watched_for_(watched_for) {
  const NameId left = names.id(versions_.left);
  const NameId restored = names.id(versions_.restored);
  WindowSpec spec;
  spec.since = since_;
  spec.over = std::clamp(watched_for, kWindowMin, kWindowMax);
  of_all_ = evidence.windows.find_or_add(spec, now);
  spec.version = VersionFilter{.all = false, .version = kNoName};
  of_none_ = evidence.windows.find_or_add(spec, now);
  spec.version.version = restored;
  of_restored_ = evidence.windows.find_or_add(spec, now);
  spec.version.version = left;
  of_version_ = evidence.windows.find_or_add(std::move(spec), now);
  ask(rules, left, restored, evidence, now);
}

void Drain::ask(const std::vector<const Rule*>& rules, NameId left, NameId restored,
                ServiceEvidence& evidence, Instant now) {
  Binding of_left = Binding::of_one_version(left, since_);
  of_left.baseline = VersionFilter{.all = false, .version = restored, .is_strict = true};
  Binding of_service = of_left;
  of_service.unscoped = VersionFilter{};
  of_service.candidate = VersionFilter{};
  for (const Rule* rule : rules) {
    if (may_lack_versions(rule->sentence.when)) continue;
    of_left_.push_back({rule, BoundCondition(rule->sentence, of_left, evidence, now)});
    of_service_.push_back({rule, BoundCondition(rule->sentence, of_service, evidence, now)});
  }
}

Drain::Left Drain::left(const ServiceEvidence& evidence, Instant now) const {
  const Duration lag = evidence.lag_of(SourceKind::log, now);
  const Duration over_max = now - lag - since_;
  Duration over = std::clamp<Duration>(watched_for_ / 5, kWindowMin, kOverMax);
  const double share = before_.likely_share();
  Left left;
  for (; left.all < kShows || (share > 0 && expected(left, share) < kExpectedMin);
       over += std::max<Duration>(seconds{1}, over / 4)) {
    const bool is_most = over >= over_max;
    const Duration span = std::min(over, over_max);
    left.all = sum_of(*of_all_, now, span, lag);
    left.own = sum_of(*of_version_, now, span, lag);
    left.restored = sum_of(*of_restored_, now, span, lag);
    left.nameless = sum_of(*of_none_, now, span, lag);
    if (is_most) break;
  }
  return left;
}

double Drain::expected(const Left& left, double share) const {
  const std::uint64_t all = before_.is_of_pair ? left.own + left.restored : left.all;
  return share * static_cast<double>(all);
}

bool Drain::may_be_chance(const Left& left) const {
  if (!is_known_) return left.all < kShowsAnything;
  // One that had just begun has hardly any to lose; only that some still come is a sign.
  const bool is_asked =
      before_.own >= kTrafficRequestsMin || (before_.given.value_or(0) > 0 && left.own > 0);
  const double wanted = expected(left, before_.likely_share());
  if (!is_asked || chance_of_at_most(left.own, wanted) <= kByChance) return false;
  if (before_.own_in_step < kTrafficRequestsMin) return true;
  // Had nothing been done, its requests were spread as those of both are.
  const auto before = static_cast<double>(before_.both_in_step);
  const double share = before / (before + static_cast<double>(left.own + left.restored));
  return chance_of_at_least(before_.own_in_step, before_.own_in_step + left.own, share) > kByChance;
}

bool Drain::is_unseen(const ServiceEvidence& evidence, const Left& left, Instant now) const {
  if (evidence.of_kind(SourceKind::log).empty()) return false;
  if (!was_named()) return false;
  const std::optional<UnknownKind> trouble = evidence.trouble_of(SourceKind::log, now);
  // Of what is sampled, a part shows who gets it, and nothing is covered.
  if (trouble && trouble != UnknownKind::sampled) return true;
  if (!trouble && !evidence.is_covered(SourceKind::log, now, now - since_)) return true;
  if (left.all == left.nameless) return true;
  // What the log calls by other names than we do shows nothing of either.
  return left.all > left.nameless && left.own + left.restored == 0;
}

const Rule* Drain::bad_of(std::vector<Asked>& asked, ServiceEvidence& evidence, Instant now) {
  for (Asked& one : asked) {
    std::vector<Evidence> told = one.condition.blank_evidence();
    if (one.condition.judge(evidence, now, told).truth == Truth::bad) return one.rule;
  }
  return nullptr;
}

std::optional<std::string> Drain::mostly_bad_by(std::vector<Asked>& asked,
                                                ServiceEvidence& evidence, Instant now) {
  for (Asked& one : asked) {
    std::vector<Evidence> told = one.condition.blank_evidence();
    if (one.condition.judge(evidence, now, told).truth != Truth::unknown) continue;
    for (const Evidence& by : told) {
      const bool is_too_few = by.samples_min && by.denominator < *by.samples_min;
      const bool is_bad = by.has_value && by.value > by.threshold &&
                          (by.compare == Compare::greater || by.compare == Compare::greater_equal);
      if (is_too_few && is_bad && by.numerator >= kTrafficRequestsMin &&
          2 * by.numerator >= by.denominator)
        return words_of(by.numerator, by.denominator) + " are bad by " + one.rule->name +
               ", which asks for " + std::to_string(*by.samples_min);
    }
  }
  return std::nullopt;
}

std::optional<std::string> Drain::objection_to_left(const Left& left, ServiceEvidence& evidence,
                                                    Instant now) {
  const std::string words =
      sanitize(versions_.left) + " still gets " + words_of(left.own, left.all);
  const auto own = static_cast<double>(left.own);
  const double wanted = expected(left, before_.share());
  // A small canary's traffic is as little.
  const double share_min = before_.own > 0
                               ? std::min(kTrafficShareMin, before_.share() * kHandfulOfBefore)
                               : kTrafficShareMin;
  const bool is_more_than_few =
      left.own >= kTrafficRequestsMin && own >= share_min * static_cast<double>(left.all);
  if (is_more_than_few && own >= wanted / 2) return words + ", so it may not have been taken back";
  const bool is_handful = left.own < kHandful && own < kHandfulOfBefore * wanted;
  if (!is_more_than_few || is_handful) return std::nullopt;
  if (const Rule* bad = bad_of(of_left_, evidence, now))
    return words + ", and " + bad->name + " is bad on it";
  if (const std::optional<std::string> mostly = mostly_bad_by(of_left_, evidence, now))
    return words + ", and " + *mostly;
  return std::nullopt;
}

std::optional<std::string> Drain::objection_to_rest(const Left& left, ServiceEvidence& evidence,
                                                    Instant now) {
  const auto rest = static_cast<double>(left.rest());
  const auto all = static_cast<double>(left.all);
  if (!is_traffic(left.rest(), left.all)) return std::nullopt;
  const bool is_nameless = left.rest() == left.nameless;
  const std::string words =
      (is_nameless ? std::string("requests without a version are ")
                   : "other versions than " + sanitize(versions_.restored) + " get ") +
      words_of(left.rest(), left.all);
  if (before_.own > 0 && !before_.is_of_pair) {
    const double before_all = static_cast<double>(before_.all);
    const double usual = static_cast<double>(before_.rest) / before_all * all;
    const double deviation = std::sqrt((usual + 1) * (1 + all / before_all));
    const double more = rest - usual;
    if (more >= expected(left, before_.share()) / 2 && more >= kDeviations * deviation)
      return words + ", so it may not be " + sanitize(versions_.restored) +
             " that has what was taken from " + sanitize(versions_.left);
  }
  const Rule* bad = bad_of(of_service_, evidence, now);
  if (bad == nullptr) return std::nullopt;
  return words + ", and " + bad->name + " is bad on the service as a whole";
}

Drain::Finding Drain::look(ServiceEvidence& evidence, Instant now) {
  const Left left = this->left(evidence, now);
  const std::string name = sanitize(versions_.left);
  std::optional<std::string> objection = objection_to_left(left, evidence, now);
  const bool names_versions = was_named() && left.all > left.nameless;
  if (!objection && names_versions) objection = objection_to_rest(left, evidence, now);
  if (!objection && is_unseen(evidence, left, now))
    objection = "nobody saw whether " + name + " still gets requests";
  if (!objection && may_be_chance(left) && !evidence.of_kind(SourceKind::log).empty())
    objection = name + " still gets " + words_of(left.own, left.all) +
                ": too few to see whether it was taken back";
  if (objection) return {.is_objection = true, .words = *std::move(objection)};
  return {.is_objection = false,
          .words = left.own > 0 ? name + " still gets " + words_of(left.own, left.all) : ""};
}

void Drain::keep(WindowStore& windows) const {
  for (Window* window : {of_version_, of_restored_, of_none_, of_all_}) windows.keep(window);
  for (const std::vector<Asked>* list : {&of_left_, &of_service_})
    for (const Asked& asked : *list) asked.condition.keep(windows);
}

}  // namespace belay::rules
