#include "rules/judgement/worse_than.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "rules/judgement/rollout_words.h"

namespace belay::rules {
namespace {

constexpr std::uint64_t kSamplesMin = 50;
/// A baseline that was silent for so long says nothing about now; nor do logs that were away in it.
constexpr std::int64_t kBaselineSeconds = 60;

/// Whether the evidence at hand is that of the binding's rollout.
bool is_of(const Binding& binding, const ServiceEvidence& evidence) {
  return binding.candidate && binding.baseline && evidence.paired != nullptr &&
         binding.candidate->version != binding.baseline->version &&
         evidence.paired->candidate() == binding.candidate->version &&
         evidence.paired->baseline() == binding.baseline->version &&
         evidence.paired->start() == binding.since;
}

}  // namespace

BoundWorseThan::BoundWorseThan(const WorseThan& sentence, double confidence, const Binding& binding,
                               ServiceEvidence& evidence)
    : spec_(ComparisonSpec::of(sentence, confidence)),
      is_in_rollout_(binding.candidate.has_value()) {
  if (is_of(binding, evidence)) comparison_ = &evidence.paired->comparison(spec_);
}

std::optional<BoundWorseThan::Doubt> BoundWorseThan::doubt(const ServiceEvidence& evidence,
                                                           Instant now,
                                                           std::uint64_t samples_min) const {
  const PairedEvidence& paired = *evidence.paired;
  const std::string& baseline = evidence.names->text(paired.baseline());
  if (const std::optional<UnknownKind> trouble = evidence.trouble_of(SourceKind::log, now))
    return Doubt{*trouble, "nobody knows what else happened"};
  const Duration last =
      std::min<Duration>(std::chrono::seconds{kBaselineSeconds}, now - paired.start());
  if (!evidence.is_covered(SourceKind::log, now, last))
    return Doubt{UnknownKind::blind,
                 "the logs were not seen for more than a fifth of the last minute"};
  const PairedEvidence::Sums beside = paired.last(kBaselineSeconds, Role::baseline);
  if (beside.total == 0)
    return Doubt{UnknownKind::no_baseline, baseline + " has had no request within the last minute"};
  const std::uint64_t requests = paired.total_in_step(Role::candidate);
  if (requests < samples_min)
    return Doubt{UnknownKind::no_traffic,
                 words_of_few(requests, paired.errors_in_step(Role::candidate), samples_min)};
  if (spec_.what != WorseThan::What::errors) {
    if (now < comparison_->latency_from())
      return Doubt{UnknownKind::warming, "latency counts from " +
                                             format_utc(comparison_->latency_from()) +
                                             " on, after the cold start"};
    if (spec_.what == WorseThan::What::latency && beside.reported == 0)
      return Doubt{UnknownKind::no_latency, baseline + " reports no latency"};
  }
  if (comparison_->standing() == Standing::suspect)
    return Doubt{UnknownKind::warming, "too little to act on, too much to pass"};
  return std::nullopt;
}

Judgement BoundWorseThan::judge(const ServiceEvidence& evidence, Instant now,
                                std::optional<std::uint32_t> samples_min, Evidence& told) const {
  told.compare = Compare::greater_equal;
  told.threshold = 1 / spec_.alpha;
  told.has_value = comparison_ != nullptr;
  if (comparison_ == nullptr) {
    told.note = is_in_rollout_ ? "there is no baseline to compare with"
                               : "outside a rollout there is nothing to compare";
    told.truth = Truth::unknown;
    told.unknown = UnknownKind::no_baseline;
    return {told.truth, told.unknown};
  }
  RolloutNumbers numbers = numbers_of(*comparison_, now);
  fill_top(numbers, comparison_->blocks(numbers.compared), *evidence.paired, *evidence.names);
  told.value = numbers.odds;
  told.threshold = numbers.odds_limit;
  told.numerator = numbers.counts[Role::candidate].bad;
  told.denominator = told.numerator + numbers.counts[Role::baseline].bad;
  told.window = numbers.window;
  told.note = words_of(numbers, evidence.names->text(evidence.paired->candidate()));
  Judgement judgement{Truth::fine, std::nullopt};
  if (comparison_->standing() == Standing::worse) {
    judgement.truth = Truth::bad;
  } else if (const auto found = doubt(evidence, now, samples_min.value_or(kSamplesMin))) {
    judgement = {Truth::unknown, found->kind};
    told.note = found->note + (told.denominator > 0 ? "; " + told.note : "");
  }
  told.truth = judgement.truth;
  told.unknown = judgement.unknown;
  return judgement;
}

}  // namespace belay::rules
