#include "monitor/preflight.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/backoff.h"
#include "monitor/preflight_answers.h"

namespace belay::monitor {

PreflightChecks preflight_checks_of(const Config& config) {
  PreflightChecks checks;
  for (const ServiceConfig& service : config.services) {
    if (!service.preflight.empty()) checks[service.name] = service.preflight;
  }
  return checks;
}

Preflight::Preflight(const Platforms& platforms, PreflightChecks checks, const Clock& clock,
                     Deliver deliver, PreflightOptions options)
    : clock_(clock),
      deliver_(std::move(deliver)),
      options_(options),
      platforms_(&platforms),
      checks_(std::move(checks)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

void Preflight::ask(rules::PreflightAsked asked) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(questions_, [&asked](const Question& question) {
    return question.asked.rollout == asked.rollout;
  });
  questions_.push_back({.asked = std::move(asked)});
  ++asks_;
  changed_.notify_all();
}

void Preflight::use(const Platforms& platforms, PreflightChecks checks) {
  const std::scoped_lock lock(mutex_);
  platforms_ = &platforms;
  checks_ = std::move(checks);
}

void Preflight::stop() { thread_ = {}; }

rules::PreflightDone Preflight::answer(const rules::PreflightAsked& asked, Platform* platform,
                                       const std::vector<PreflightCheck>& checks,
                                       const std::stop_token& stop) const {
  rules::PreflightDone done{.rollout = asked.rollout};
  if (platform != nullptr) done.checks = answers_of(*platform, asked, stop);
  for (const PreflightCheck& check : checks) {
    if (stop.stop_requested()) break;
    done.checks.push_back(answer_of(check, asked, stop));
  }
  done.at = clock_.now();
  return done;
}

void Preflight::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto first = std::ranges::min_element(questions_, {}, &Question::due);
    if (first == questions_.end()) {
      changed_.wait(lock, stop, [this] { return !questions_.empty(); });
      continue;
    }
    // A copy: while it waits, ask() may move the questions elsewhere.
    if (const auto due = first->due; due > Steady::now()) {
      changed_.wait_until(lock, stop, due, [this, known = asks_] { return asks_ != known; });
      continue;
    }
    Question question = std::move(*first);
    questions_.erase(first);
    const auto configured = checks_.find(question.asked.service);
    const auto checks =
        configured == checks_.end() ? std::vector<PreflightCheck>{} : configured->second;
    Platform* const platform = platforms_->of_service(question.asked.service);
    lock.unlock();
    rules::PreflightDone done = answer(question.asked, platform, checks, stop);
    if (stop.stop_requested()) return;
    const bool is_fine = std::ranges::all_of(
        done.checks, [](const auto& check) { return check.result == rules::Truth::fine; });
    deliver_(std::move(done));
    lock.lock();
    const bool is_asked_anew = std::ranges::any_of(questions_, [&](const Question& other) {
      return other.asked.rollout == question.asked.rollout;
    });
    if (is_fine || is_asked_anew || ++question.tries >= options_.tries_max) continue;
    question.due =
        Steady::now() + backoff(options_.again_first, options_.again_max, question.tries, 0);
    questions_.push_back(std::move(question));
  }
}

}  // namespace belay::monitor
