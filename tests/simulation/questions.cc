#include "tests/simulation/questions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "monitor/preflight_answers.h"

namespace belay::simulation {

using namespace std::chrono_literals;

void Questions::ask(rules::PreflightAsked asked, Instant now) {
  std::erase_if(questions_, [&asked](const Question& question) {
    return question.asked.rollout == asked.rollout;
  });
  const bool is_late = chance_.chance(faults_.late_answers);
  const Duration after = is_late ? chance_.between(1s, 40s) : chance_.between(50ms, 500ms);
  questions_.push_back({.asked = std::move(asked), .due = now + after});
}

std::optional<rules::PreflightDone> Questions::answer(Instant now) {
  const auto due = std::ranges::find_if(
      questions_, [now](const Question& question) { return question.due <= now; });
  if (due == questions_.end()) return std::nullopt;
  monitor::Platform* const platform = platforms_.of_service(due->asked.service);
  rules::PreflightDone done{.at = now, .rollout = due->asked.rollout};
  done.checks = monitor::answers_of(*platform, due->asked, {});
  const bool is_fine = std::ranges::all_of(
      done.checks, [](const auto& check) { return check.result == rules::Truth::fine; });
  if (is_fine) {
    questions_.erase(due);
  } else {
    due->due = now + 30s;
  }
  return done;
}

}  // namespace belay::simulation
