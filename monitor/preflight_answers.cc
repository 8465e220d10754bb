#include "monitor/preflight_answers.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sanitize.h"
#include "monitor/probe_request.h"
#include "monitor/process.h"
#include "net/http_client.h"
#include "net/http_syntax.h"

namespace belay::monitor {
namespace {

using rules::Truth;

constexpr std::size_t kDetailBytes = 300;

PreflightAnswer answer(std::string name, Truth truth, const std::string& detail) {
  return {.name = std::move(name), .result = truth, .detail = sanitize(detail, kDetailBytes)};
}

PreflightAnswer cannot_know(std::string name, const Error& error) {
  return answer(std::move(name), Truth::unknown, error.message);
}

/// What only one of the two is bound to: the usual reason for a rollback that changes more than
/// code.
std::string difference(const VersionFacts& target, const VersionFacts& candidate) {
  const auto only = [](const std::vector<std::string>& of, const std::vector<std::string>& not_of) {
    std::vector<std::string> names;
    std::ranges::set_difference(of, not_of, std::back_inserter(names));
    return names;
  };
  const auto lost = only(candidate.bindings, target.bindings);
  const auto gained = only(target.bindings, candidate.bindings);
  std::string text;
  if (!gained.empty()) text = fmt::format("only it is bound to {}", fmt::join(gained, ", "));
  if (lost.empty()) return text;
  if (!text.empty()) text += "; ";
  return text + fmt::format("it is not bound to {}", fmt::join(lost, ", "));
}

PreflightAnswer about_target(const VersionFacts& target,
                             const std::optional<VersionFacts>& candidate,
                             const std::string& baseline) {
  const std::string name = "rollback target";
  if (!target.exists) {
    return answer(name, Truth::bad, baseline + " does not exist: there is nothing to go back to");
  }
  if (!target.is_deployable) {
    return answer(name, Truth::bad,
                  baseline + " cannot be deployed any more: it is not among the newest hundred");
  }
  if (!candidate || !candidate->exists) return answer(name, Truth::fine, "");
  if (candidate->migration != target.migration) {
    return answer(name, Truth::bad,
                  fmt::format("a Durable Object migration lies between {} ({}) and the candidate "
                              "({}): no rollback goes across it",
                              baseline, target.migration.empty() ? "none" : target.migration,
                              candidate->migration.empty() ? "none" : candidate->migration));
  }
  return answer(name, Truth::fine, difference(target, *candidate));
}

}  // namespace

std::vector<PreflightAnswer> answers_of(Platform& platform, const rules::PreflightAsked& asked,
                                        const std::stop_token& stop) {
  std::vector<PreflightAnswer> answers;
  const auto candidate = platform.version(asked.candidate, stop);
  if (candidate.ok() && !candidate->has_value()) return answers;
  if (!candidate.ok()) {
    answers.push_back(cannot_know("candidate", candidate.error()));
  } else if (!(*candidate)->exists) {
    answers.push_back(answer("candidate", Truth::bad, asked.candidate + " does not exist"));
  } else if (asked.is_driving && !(*candidate)->is_deployable) {
    answers.push_back(answer("candidate", Truth::bad,
                             asked.candidate + " is not among the newest hundred versions, and "
                                               "cannot be given traffic"));
  } else {
    answers.push_back(answer("candidate", Truth::fine, ""));
  }
  if (asked.baseline.empty()) return answers;
  if (asked.baseline == asked.candidate) {
    answers.push_back(answer("rollback target", Truth::bad, "it is the candidate itself"));
    return answers;
  }
  const auto target = platform.version(asked.baseline, stop);
  if (!target.ok()) {
    answers.push_back(cannot_know("rollback target", target.error()));
  } else if (target->has_value()) {
    answers.push_back(about_target(
        **target, candidate.ok() ? *candidate : std::optional<VersionFacts>{}, asked.baseline));
  }
  return answers;
}

namespace {

PreflightAnswer by_http(const std::string& name, const ProbeConfig& probe,
                        const std::stop_token& stop) {
  const auto outcome = net::http_call(request_of(probe), stop);
  if (const auto* fault = std::get_if<net::HttpFault>(&outcome)) {
    return answer(name, Truth::unknown, fault->message);
  }
  const ProbeFinding finding =
      check_answer(std::get<net::HttpResponse>(outcome), expectation_of(probe));
  const bool passed = finding.failure == rules::ProbeFailure::none;
  return answer(name, passed ? Truth::fine : Truth::bad, finding.detail);
}

PreflightAnswer by_command(const std::string& name, const CommandAction& command,
                           const rules::PreflightAsked& asked, const std::stop_token& stop) {
  constexpr std::size_t kValueBytes = 4000;
  Program program{.argv = command.argv, .environment = command.env};
  for (const auto& [variable, value] : {std::pair{"BELAY_SERVICE", asked.service},
                                        {"BELAY_CANDIDATE", asked.candidate},
                                        {"BELAY_BASELINE", asked.baseline},
                                        {"BELAY_ROLLOUT", asked.rollout},
                                        {"BELAY_COMMIT", asked.commit}}) {
    program.environment.emplace_back(variable, sanitize(value, kValueBytes));
  }
  const RunLimits limits{.timeout = std::chrono::ceil<std::chrono::milliseconds>(command.timeout),
                         .grace = std::chrono::seconds{1}};
  const Result<RunResult> run = run_program(program, limits, stop);
  if (!run.ok()) return answer(name, Truth::unknown, run.error().message);
  const std::string said(net::trimmed(run->err.empty() ? run->out : run->err));
  const std::string detail =
      run->end.text() + (run->timed_out ? ", out of time" : "") + (said.empty() ? "" : ": " + said);
  const bool ended_by_itself = !run->timed_out && !run->stopped && run->end.signal == 0;
  if (ended_by_itself && run->end.code == 0) return answer(name, Truth::fine, "");
  return answer(name, ended_by_itself && run->end.code == 1 ? Truth::bad : Truth::unknown, detail);
}

}  // namespace

PreflightAnswer answer_of(const PreflightCheck& check, const rules::PreflightAsked& asked,
                          const std::stop_token& stop) {
  if (const auto* probe = std::get_if<ProbeConfig>(&check.of)) {
    return by_http(check.name, *probe, stop);
  }
  return by_command(check.name, std::get<CommandAction>(check.of), asked, stop);
}

}  // namespace belay::monitor
