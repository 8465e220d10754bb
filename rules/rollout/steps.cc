#include "rules/rollout/steps.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "rules/language/units.h"

namespace belay::rules {
namespace {

constexpr std::size_t kStepsMax = 50;
constexpr Duration kDefaultBake = std::chrono::minutes{10};
constexpr Duration kBakeLongest = std::chrono::hours{24 * 30};
constexpr std::uint32_t kSamplesMost = 1'000'000'000;

Error fault(std::size_t step, const std::string& what) {
  return {.kind = Error::Kind::invalid,
          .message = "step " + std::to_string(step + 1) + ": " + what +
                     "; write for example `10% for 10m, 50% for 10m, 95% for 10m, 100%`",
          .retry_after = std::nullopt};
}

std::vector<std::string_view> words_in(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(text.find_first_of(" \t", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::optional<double> percent_in(std::string_view word) {
  if (!word.ends_with('%')) return std::nullopt;
  const std::optional<double> percent = read_decimal(word.substr(0, word.size() - 1));
  if (!percent || *percent <= 0 || *percent > 100) return std::nullopt;
  return percent;
}

std::optional<Duration> bake_in(std::string_view word) {
  const std::optional<Duration> bake = parse_duration(word);
  if (!bake || *bake < std::chrono::seconds{1} || *bake > kBakeLongest) return std::nullopt;
  return bake;
}

std::optional<std::uint32_t> count_in(std::string_view word) {
  std::uint32_t count = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, count);
  if (error != std::errc{} || stop != end || count > kSamplesMost) return std::nullopt;
  return count;
}

/// `for`, `max` or `min` with its value.
std::optional<std::string> read_option(std::string_view name, std::string_view value,
                                       RolloutStep& step) {
  const std::string shown = "`" + std::string(value) + "`";
  if (name == "for" || name == "max") {
    const std::optional<Duration> bake = bake_in(value);
    if (!bake) return shown + " is no time from 1s to 30d";
    (name == "for" ? step.bake : step.bake_max) = *bake;
    return std::nullopt;
  }
  if (name == "min") {
    const std::optional<std::uint32_t> count = count_in(value);
    if (!count) return shown + " is no number of requests";
    step.samples_min = *count;
    return std::nullopt;
  }
  if (name == "after") {
    if (value != "approval") return shown + " is unknown: a step can come `after approval`";
    step.after_approval = true;
    return std::nullopt;
  }
  return "`" + std::string(name) +
         "` is unknown: a step is `PERCENT for TIME [max TIME] [min N] [after approval]`";
}

Result<RolloutStep> step_in(std::string_view text, std::size_t index) {
  std::vector<std::string_view> words = words_in(text);
  if (words.empty()) return fault(index, "there is nothing");
  if (words.size() > 1 && words.back() == "requests") words.pop_back();
  RolloutStep step;
  const std::optional<double> percent = percent_in(words.front());
  if (!percent)
    return fault(index, "`" + std::string(words.front()) + "` is no share above 0% up to 100%");
  step.percent = *percent;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    if (i + 1 == words.size()) return fault(index, "`" + std::string(words[i]) + "` of what?");
    if (const auto wrong = read_option(words[i], words[i + 1], step)) return fault(index, *wrong);
  }
  if (step.bake_max != Duration::zero() && step.bake_max < step.bake)
    return fault(index, "its `max` is shorter than its bake time");
  if (step.bake_max == Duration::zero()) step.bake_max = step.bake * kBakeMaxTimes;
  return step;
}

}  // namespace

Result<std::vector<RolloutStep>> parse_steps(std::string_view text) {
  std::vector<RolloutStep> steps;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    Result<RolloutStep> step = step_in(text.substr(begin, end - begin), steps.size());
    if (!step) return step.error();
    if (!steps.empty() && steps.back().bake == Duration::zero())
      return fault(steps.size() - 1, "only the last step may do without a bake time (`for 10m`)");
    if (!steps.empty() && steps.back().percent > step->percent)
      return fault(steps.size(), "its share is below that of the step before");
    steps.push_back(*step);
    if (steps.size() > kStepsMax) return fault(kStepsMax, "there are too many");
    begin = end + 1;
  }
  if (steps.size() == 1 && steps.front().bake == Duration::zero())
    return fault(0, "a plan of one step needs a bake time (`for 10m`)");
  return steps;
}

std::string steps_text(const std::vector<RolloutStep>& steps) {
  std::string text;
  for (const RolloutStep& step : steps) {
    if (!text.empty()) text += ", ";
    text += decimal_text(step.percent) + "%";
    if (step.bake > Duration::zero()) text += " for " + format_duration(step.bake);
    if (step.bake_max != step.bake * kBakeMaxTimes)
      text += " max " + format_duration(step.bake_max);
    if (step.samples_min != RolloutStep{}.samples_min)
      text += " min " + std::to_string(step.samples_min);
    if (step.after_approval) text += " after approval";
  }
  return text;
}

std::vector<RolloutStep> default_steps() {
  const auto baking = [](double percent) {
    return RolloutStep{
        .percent = percent, .bake = kDefaultBake, .bake_max = kDefaultBake * kBakeMaxTimes};
  };
  return {baking(10), baking(50), baking(95), RolloutStep{.percent = 100}};
}

Duration shortest_bake(const std::vector<RolloutStep>& steps) {
  Duration shortest{};
  for (const RolloutStep& step : steps)
    if (step.bake > Duration::zero() && (shortest == Duration::zero() || step.bake < shortest))
      shortest = step.bake;
  return shortest;
}

}  // namespace belay::rules
