#include "rules/rollout/blame.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace belay::rules {
namespace {

constexpr double kClearlyWorse = 2;
constexpr std::uint64_t kSamplesMin = 20;
constexpr Duration kTwiceForMin = std::chrono::seconds{10};

bool has_samples(const Evidence& evidence) {
  return evidence.has_value && evidence.denominator >= evidence.samples_min.value_or(kSamplesMin);
}

/// Whether what is bad now is clearly worse than the other: `other` was or is fine, or half of it.
bool is_clearly_worse(const Evidence& now, const Evidence& other) {
  if (now.truth != Truth::bad) return false;
  if (other.truth == Truth::fine) return true;
  const bool is_upward = now.compare == Compare::greater || now.compare == Compare::greater_equal;
  return is_upward && now.of_events && has_samples(now) && has_samples(other) &&
         now.value >= kClearlyWorse * other.value;
}

/// The comparison that is clearly worse, if one is.
std::optional<std::size_t> clearly_worse(const std::vector<Evidence>& now,
                                         const std::vector<Evidence>& other) {
  for (std::size_t i = 0; i < now.size() && i < other.size(); ++i)
    if (is_clearly_worse(now[i], other[i])) return i;
  return std::nullopt;
}

void keep_time(std::optional<Instant>& since, bool holds, Instant now) {
  if (!holds) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

bool lasts(const std::optional<Instant>& since, Duration long_enough, Instant now) {
  return since && now - *since >= long_enough;
}

}  // namespace

Blame::Blame(const JudgedRule& rule, Before before, const Versions& versions,
             ServiceEvidence& evidence, Instant now)
    : twice_for_(std::max(rule.rule().sentence.hold_for, kTwiceForMin)),
      fine_for_(std::max(rule.longest_window(), twice_for_)),
      before_(std::move(before)),
      was_baseline_fine_(before_.was_fine) {
  const Sentence& sentence = rule.rule().sentence;
  if (mentions_baseline(sentence.when)) return;
  if (versions.candidate && may_lack_versions(sentence.when)) {
    candidate_.emplace(sentence, *versions.candidate, evidence, now);
    told_of_candidate_ = candidate_->blank_evidence();
  }
  if (!versions.baseline) return;
  baseline_.emplace(sentence, *versions.baseline, evidence, now);
  told_ = baseline_->blank_evidence();
}

Blame::Fault Blame::fault() const {
  if (is_shared_) return Fault::shared;
  const bool is_nameless = candidate_ && !is_candidate_bad_;
  return is_nameless && !before_.was_fine ? Fault::never_fine : Fault::candidate;
}

std::optional<Instant> Blame::both_bad_since(const JudgedRule& rule) const {
  if (!was_baseline_fine_ || !baseline_bad_since_ || !rule.status().bad_since) return std::nullopt;
  return std::max(*baseline_bad_since_, *rule.status().bad_since);
}

void Blame::look(JudgedRule& rule, ServiceEvidence& evidence, Instant now, bool is_check) {
  const RuleStatus& status = rule.status();
  if (is_check && status.was_bad_before) look_back(rule, now);
  before_.was_fine = before_.was_fine || (is_check && status.truth == Truth::fine);
  is_candidate_bad_ = candidate_ && status.truth == Truth::bad &&
                      candidate_->judge(evidence, now, told_of_candidate_).truth == Truth::bad;
  if (baseline_) look_beside(rule, evidence, now, is_check);
}

void Blame::look_back(JudgedRule& rule, Instant now) {
  const RuleStatus& status = rule.status();
  if (status.truth == Truth::fine && !status.firing) {
    rule.mark_bad_before(false);
    return;
  }
  const std::optional<std::size_t> worse = status.truth == Truth::bad && before_.bad
                                               ? clearly_worse(status.evidence, *before_.bad)
                                               : std::nullopt;
  keep_time(worse_since_, worse.has_value(), now);
  if (!lasts(worse_since_, twice_for_, now)) return;
  const Evidence& then = (*before_.bad)[*worse];
  rule.note(*worse, then.truth == Truth::fine ? "it was fine when the gate began"
                                              : "it was " + words_of(then.value, then.dimension) +
                                                    " when the gate began, so it got worse");
  rule.mark_bad_before(false);
}

void Blame::look_beside(const JudgedRule& rule, ServiceEvidence& evidence, Instant now,
                        bool is_check) {
  const RuleStatus& status = rule.status();
  const bool is_fine = status.truth != Truth::bad && !status.firing;
  if (is_fine) {
    apart_since_.reset();
    baseline_fine_since_.reset();
    is_shared_ = false;
    if (!is_check) return;
  }
  const Truth baseline = baseline_->judge(evidence, now, told_).truth;
  if (is_check) {
    was_baseline_fine_ = was_baseline_fine_ || baseline == Truth::fine;
    is_baseline_bad_ = baseline == Truth::bad;
    if (baseline != Truth::unknown) keep_time(baseline_bad_since_, baseline == Truth::bad, now);
  }
  if (is_fine) return;
  if (is_check) {
    const bool is_apart = status.truth == Truth::bad && baseline == Truth::bad &&
                          clearly_worse(status.evidence, told_);
    keep_time(apart_since_, is_apart, now);
    keep_time(baseline_fine_since_, baseline == Truth::fine, now);
  }
  if (baseline == Truth::bad) {
    is_shared_ = !lasts(apart_since_, twice_for_, now);
  } else if (is_shared_) {
    is_shared_ = !lasts(baseline_fine_since_, fine_for_, now);
  }
}

void Blame::keep(WindowStore& windows) const {
  for (const std::optional<BoundCondition>* one : {&candidate_, &baseline_})
    if (*one) (*one)->keep(windows);
}

}  // namespace belay::rules
