#include "rules/judgement/condition.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <re2/re2.h>

#include "rules/judgement/bound_comparison.h"
#include "rules/judgement/worse_than.h"
#include "rules/language/words.h"

namespace belay::rules {
namespace {

Judgement unknown_of(const std::vector<Judgement>& judgements) {
  Judgement worst;
  for (const Judgement& judgement : judgements)
    if (judgement.truth == Truth::unknown && judgement.unknown)
      worst.unknown =
          worst.unknown ? std::min(*worst.unknown, *judgement.unknown) : *judgement.unknown;
  return worst;
}

bool holds(const std::vector<Judgement>& judgements, Truth truth) {
  return std::any_of(judgements.begin(), judgements.end(),
                     [truth](const Judgement& judgement) { return judgement.truth == truth; });
}

/// Where the comparison sign of `text` stands, outside of quotes.
std::size_t sign_in(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') is_quoted = !is_quoted;
    if (text[i] == '\\' && is_quoted) ++i;
    if (!is_quoted && i < text.size() && (text[i] == '<' || text[i] == '>')) return i;
  }
  return std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// What is compared, named so that "what value > threshold" can be read: by the words of the
/// sentence, where these do not say the threshold.
std::string what_of(const Sentence& sentence, const Condition& condition) {
  if (const auto* fails = std::get_if<ProbeFails>(&condition.node))
    return "probe " + name_text(fails->probe) + " failures";
  if (const auto* silence = std::get_if<NoData>(&condition.node))
    return "silence of " + (silence->source.empty() ? "all sources" : name_text(silence->source));
  if (const auto* sampling = std::get_if<SamplingFrom>(&condition.node))
    return "sampling from " + name_text(sampling->source);
  if (condition.column == 0 || condition.column > sentence.text.size()) return sentence.text;
  const std::string_view text =
      std::string_view(sentence.text).substr(condition.column - 1, condition.length);
  const auto* comparison = std::get_if<Comparison>(&condition.node);
  const std::size_t sign = comparison == nullptr ? std::string_view::npos : sign_in(text);
  if (sign == std::string_view::npos) return std::string(trimmed(text));
  const bool is_metric_left =
      std::holds_alternative<Metric>(comparison->left.first.operand) ||
      (comparison->left.second && std::holds_alternative<Metric>(comparison->left.second->operand));
  if (is_metric_left) return std::string(trimmed(text.substr(0, sign)));
  const std::size_t after = text.find_first_not_of("<>=", sign);
  const std::string_view right = text.substr(std::min(after, text.size()));
  return std::string(trimmed(right.substr(0, right.rfind(" over "))));
}

}  // namespace

Judgement any_of(const std::vector<Judgement>& judgements) {
  if (holds(judgements, Truth::bad)) return {Truth::bad, std::nullopt};
  if (judgements.empty() || holds(judgements, Truth::unknown)) return unknown_of(judgements);
  return {Truth::fine, std::nullopt};
}

Judgement all_of(const std::vector<Judgement>& judgements) {
  if (holds(judgements, Truth::fine)) return {Truth::fine, std::nullopt};
  if (judgements.empty() || holds(judgements, Truth::unknown)) return unknown_of(judgements);
  return {Truth::bad, std::nullopt};
}

struct BoundCondition::Node {
  Node(const Sentence& sentence, const Condition& condition, const Binding& bound_to,
       ServiceEvidence& evidence, Instant now, std::vector<Evidence>& blank);

  Judgement judge(ServiceEvidence& evidence, Instant now, std::vector<Evidence>& told);
  Judgement judge_comparison(ServiceEvidence& evidence, Instant now, Evidence& told);
  Judgement judge_probe(const ProbeFails& fails, const ServiceEvidence& evidence, Instant now,
                        Evidence& told) const;
  static Judgement judge_silence(const NoData& silence, const ServiceEvidence& evidence,
                                 Instant now, Evidence& told);
  static Judgement judge_sampling(const SamplingFrom& sampling, const ServiceEvidence& evidence,
                                  Instant now, Evidence& told);
  void bind(ServiceEvidence& evidence, Instant now);
  void keep(WindowStore& windows) const;
  [[nodiscard]] Duration longest_window() const;

  // The leaf of the sentence; a comparison has its metrics on the left.
  std::variant<Comparison, WorseThan, ProbeFails, NoData, SamplingFrom, AnyOf, AllOf> leaf;
  Binding binding;
  std::optional<std::uint32_t> samples_min;
  std::size_t evidence_index = 0;
  std::string what;
  std::vector<Node> children;
  std::vector<BoundComparison> comparisons;  // One; of an expression one for each queue.
  std::optional<BoundWorseThan> worse_than;
  std::unique_ptr<re2::RE2> queues;
  std::uint64_t queues_seen = 0;
};

BoundCondition::Node::Node(const Sentence& sentence, const Condition& condition,
                           const Binding& bound_to, ServiceEvidence& evidence, Instant now,
                           std::vector<Evidence>& blank)
    : binding(bound_to), samples_min(sentence.samples_min) {
  const auto* any = std::get_if<AnyOf>(&condition.node);
  const auto* all = std::get_if<AllOf>(&condition.node);
  if (any != nullptr || all != nullptr) {
    if (any != nullptr) leaf = AnyOf{};
    if (all != nullptr) leaf = AllOf{};
    for (const Condition& child : any != nullptr ? any->conditions : all->conditions)
      children.emplace_back(sentence, child, binding, evidence, now, blank);
    return;
  }
  leaf = condition.node.index() == 0
             ? decltype(leaf)(metric_first(std::get<Comparison>(condition.node)))
             : decltype(leaf)(condition.node);
  what = what_of(sentence, condition);
  evidence_index = blank.size();
  Evidence& told = blank.emplace_back();
  told.what = what;
  told.samples_min = samples_min;
  if (const auto* comparison = std::get_if<Comparison>(&leaf)) {
    told.compare = comparison->compare;
    told.dimension = dimension_of(*comparison);
    told.of_events = is_of_events(*comparison);
    const QueueSubject* queue = queue_of(*comparison);
    if (queue != nullptr && queue->is_expression) {
      queues = std::make_unique<re2::RE2>(queue->name, re2::RE2::Quiet);
      bind(evidence, now);
    } else {
      comparisons.emplace_back(*comparison, binding, evidence, "", now);
    }
    told.window = longest_window();
  } else if (const auto* worse = std::get_if<WorseThan>(&leaf)) {
    worse_than.emplace(*worse, sentence.confidence, binding, evidence);
  }
}

void BoundCondition::Node::bind(ServiceEvidence& evidence, Instant now) {
  queues_seen = evidence.queues_changed;
  std::erase_if(comparisons, [&](const BoundComparison& bound) {
    return !evidence.queues.contains(bound.queue());
  });
  for (const auto& [name, status] : evidence.queues) {
    const auto is_bound = [&name = name](const BoundComparison& bound) {
      return bound.queue() == name;
    };
    if (!re2::RE2::FullMatch(name, *queues) ||
        std::any_of(comparisons.begin(), comparisons.end(), is_bound))
      continue;
    comparisons.emplace_back(std::get<Comparison>(leaf), binding, evidence, name, now);
  }
}

Judgement BoundCondition::Node::judge_comparison(ServiceEvidence& evidence, Instant now,
                                                 Evidence& told) {
  if (queues == nullptr) return comparisons.front().judge(evidence, now, samples_min, told);
  if (queues_seen != evidence.queues_changed) bind(evidence, now);
  std::vector<Judgement> judgements;
  std::optional<Evidence> worst;
  const auto is_worse = [&worst](const Evidence& other) {
    const auto rank = [](Truth truth) {
      return truth == Truth::bad ? 0 : (truth == Truth::unknown ? 1 : 2);
    };
    return !worst || rank(other.truth) < rank(worst->truth);
  };
  for (const BoundComparison& comparison : comparisons) {
    Evidence one = told;
    one.what = what + " [" + comparison.queue() + "]";
    judgements.push_back(comparison.judge(evidence, now, samples_min, one));
    if (is_worse(one)) worst = std::move(one);
  }
  if (worst) {
    told = std::move(*worst);
    return any_of(judgements);
  }
  // No queue has that name yet: it may still come, or the expression is wrong.
  told.truth = Truth::unknown;
  told.unknown = UnknownKind::blind;
  return {Truth::unknown, UnknownKind::blind};
}

Judgement BoundCondition::Node::judge_probe(const ProbeFails& fails,
                                            const ServiceEvidence& evidence, Instant now,
                                            Evidence& told) const {
  Judgement judgement{Truth::unknown, UnknownKind::blind};
  told.threshold = fails.failures;
  told.compare = Compare::greater_equal;
  for (const std::uint32_t index : evidence.of_kind(SourceKind::probe)) {
    const SourceRecord& source = evidence.source(index);
    if (source.plan().name != fails.probe) continue;
    std::uint32_t seen = 0;
    std::uint32_t failed = 0;
    const ProbeLog::Answer* newest_failed = nullptr;
    if (const auto log = evidence.probes.find(index); log != evidence.probes.end()) {
      const std::deque<ProbeLog::Answer>& answers = log->second.answers;
      for (auto answer = answers.rbegin(); answer != answers.rend() && seen < fails.of; ++answer) {
        if (answer->at < binding.since || !binding.unscoped.takes_or_none(answer->version))
          continue;
        ++seen;
        if (answer->failure == ProbeFailure::none) continue;
        if (++failed == 1) newest_failed = &*answer;
      }
    }
    told.has_value = seen > 0;
    told.value = failed;
    told.numerator = failed;
    told.denominator = seen;
    if (seen == 0 && binding.unscoped.is_strict) {
      judgement.unknown = UnknownKind::no_baseline;
    } else if (const std::optional<UnknownKind> trouble = source.trouble(now)) {
      judgement.unknown = trouble;
    } else if (failed >= fails.failures) {
      judgement = {Truth::bad, std::nullopt};
    } else if (seen - failed > fails.of - fails.failures) {
      judgement = {Truth::fine, std::nullopt};  // However the missing answers turn out.
    } else {
      judgement.unknown = UnknownKind::warming;
    }
    if (newest_failed != nullptr && judgement.truth != Truth::fine)
      told.note = "the newest failure: " + newest_failed->words_of_failure();
  }
  told.truth = judgement.truth;
  told.unknown = judgement.unknown;
  return judgement;
}

Judgement BoundCondition::Node::judge_silence(const NoData& silence,
                                              const ServiceEvidence& evidence, Instant now,
                                              Evidence& told) {
  std::optional<Instant> newest;
  for (const std::vector<std::uint32_t>& indices : evidence.sources_by_kind)
    for (const std::uint32_t index : indices) {
      const SourceRecord& source = evidence.source(index);
      if (!silence.source.empty() && source.plan().name != silence.source) continue;
      newest = std::max(newest.value_or(Instant::min()), source.last_evidence());
    }
  told.dimension = Dimension::duration;
  told.compare = Compare::greater_equal;
  told.threshold = seconds(silence.lasts);
  told.has_value = newest.has_value();
  if (!newest) {
    told.truth = Truth::unknown;
    told.unknown = UnknownKind::blind;
    return {Truth::unknown, UnknownKind::blind};
  }
  told.value = seconds(now - *newest);
  told.truth = now - *newest >= silence.lasts ? Truth::bad : Truth::fine;
  told.unknown.reset();
  return {told.truth, std::nullopt};
}

Judgement BoundCondition::Node::judge_sampling(const SamplingFrom& sampling,
                                               const ServiceEvidence& evidence, Instant now,
                                               Evidence& told) {
  Judgement judgement{Truth::unknown, UnknownKind::blind};
  told.dimension = Dimension::duration;
  told.compare = Compare::greater_equal;
  told.threshold = seconds(sampling.lasts);
  told.has_value = false;
  for (const std::vector<std::uint32_t>& indices : evidence.sources_by_kind)
    for (const std::uint32_t index : indices) {
      const SourceRecord& source = evidence.source(index);
      if (source.plan().name != sampling.source) continue;
      const std::optional<UnknownKind> trouble = source.trouble(now);
      if (trouble == UnknownKind::blind || trouble == UnknownKind::error) {
        judgement.unknown = trouble;
        continue;
      }
      const std::optional<Instant> since = source.sampled_since();
      told.has_value = true;
      told.value = since ? seconds(now - *since) : 0;
      judgement = {since && now - *since >= sampling.lasts ? Truth::bad : Truth::fine,
                   std::nullopt};
    }
  told.truth = judgement.truth;
  told.unknown = judgement.unknown;
  return judgement;
}

Judgement BoundCondition::Node::judge(ServiceEvidence& evidence, Instant now,
                                      std::vector<Evidence>& told) {
  if (!children.empty()) {
    std::vector<Judgement> judgements;
    judgements.reserve(children.size());
    for (Node& child : children) {
      const Judgement judgement = child.judge(evidence, now, told);
      // What cannot tell the versions apart has no voice in a question about one of them.
      const bool has_voice =
          !binding.unscoped.is_strict || judgement.unknown != UnknownKind::no_baseline;
      if (has_voice) judgements.push_back(judgement);
    }
    if (judgements.empty()) return {Truth::unknown, UnknownKind::no_baseline};
    return std::holds_alternative<AnyOf>(leaf) ? any_of(judgements) : all_of(judgements);
  }
  Evidence& mine = told[evidence_index];
  const bool is_of_source =
      std::holds_alternative<NoData>(leaf) || std::holds_alternative<SamplingFrom>(leaf);
  if (is_of_source && binding.unscoped.is_strict) {
    mine.truth = Truth::unknown;
    mine.unknown = UnknownKind::no_baseline;
    return {Truth::unknown, UnknownKind::no_baseline};
  }
  if (std::holds_alternative<Comparison>(leaf)) return judge_comparison(evidence, now, mine);
  if (const auto* fails = std::get_if<ProbeFails>(&leaf))
    return judge_probe(*fails, evidence, now, mine);
  if (const auto* silence = std::get_if<NoData>(&leaf))
    return judge_silence(*silence, evidence, now, mine);
  if (const auto* sampling = std::get_if<SamplingFrom>(&leaf))
    return judge_sampling(*sampling, evidence, now, mine);
  return worse_than->judge(evidence, now, samples_min, mine);
}

void BoundCondition::Node::keep(WindowStore& windows) const {
  for (const Node& child : children) child.keep(windows);
  for (const BoundComparison& comparison : comparisons) comparison.keep(windows);
}

Duration BoundCondition::Node::longest_window() const {
  Duration longest{};
  for (const Node& child : children) longest = std::max(longest, child.longest_window());
  for (const BoundComparison& comparison : comparisons)
    longest = std::max(longest, comparison.longest_window());
  return longest;
}

BoundCondition::BoundCondition(const Sentence& sentence, const Binding& binding,
                               ServiceEvidence& evidence, Instant now)
    : root_(std::make_unique<Node>(sentence, sentence.when, binding, evidence, now, blank_)) {}
BoundCondition::~BoundCondition() = default;
BoundCondition::BoundCondition(BoundCondition&&) noexcept = default;
BoundCondition& BoundCondition::operator=(BoundCondition&&) noexcept = default;

Judgement BoundCondition::judge(ServiceEvidence& evidence, Instant now,
                                std::vector<Evidence>& told) {
  return root_->judge(evidence, now, told);
}

Duration BoundCondition::longest_window() const { return root_->longest_window(); }
std::vector<Evidence> BoundCondition::blank_evidence() const { return blank_; }
void BoundCondition::keep(WindowStore& windows) const { root_->keep(windows); }

}  // namespace belay::rules
