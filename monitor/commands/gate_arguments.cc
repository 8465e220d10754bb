#include "monitor/commands/gate_arguments.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/time.h"
#include "monitor/commands/options.h"
#include "monitor/commands/wrangler_output.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

/// As the API's.
constexpr Duration kShortest = 1s;
constexpr Duration kLongest = std::chrono::days{30};

std::string check_fail_on(const std::string& text) {
  for (const std::string& one : CLI::detail::split(text, ',')) {
    if (one != "fail" && one != "unknown") return "\"" + one + "\" is not fail or unknown";
  }
  return {};
}

std::string check_steps(const std::string& text) {
  const auto parsed = rules::parse_steps(text);
  return parsed ? std::string{} : parsed.error().message;
}

std::string check_time(const std::string& text) {
  return parse_rfc3339(text) ? std::string{} : "\"" + text + "\" is no time: 2026-11-20T13:45:20Z";
}

}  // namespace

void add_driving_options(CLI::App& verb, std::optional<bool>& is_driving) {
  // Not a flag with a value: that would set it to false where none is given.
  CLI::Option* driving = verb.add_flag_callback(
      "--driving", [&is_driving] { is_driving = true; },
      "Belay moves the traffic, step by step; else as the service is configured");
  verb.add_flag_callback(
          "--following", [&is_driving] { is_driving = false; },
          "Belay follows who moves the traffic; else as the service is configured")
      ->excludes(driving);
}

void add_rollout_options(CLI::App& verb, GateArguments& arguments) {
  add_api_options(verb, arguments.api);
  verb.add_option("--service", arguments.service, "The service that is rolled out")
      ->check(check_utf8);
  verb.add_option("--candidate", arguments.candidate, "The platform's id of the new version")
      ->check(check_utf8);
  verb.add_option("--baseline", arguments.baseline,
                  "The version that was good, what a rollback goes back to; else the largest other "
                  "share of what is live, where the platform can tell")
      ->check(check_utf8);
  verb.add_option("--from-wrangler", arguments.from_wrangler,
                  "Takes the candidate from the file behind WRANGLER_OUTPUT_FILE_PATH")
      ->type_name("FILE");
  verb.add_option("--mode", arguments.mode, "In place of the service's own")
      ->check(CLI::IsMember({"observe", "recommend", "enforce"}));
  verb.add_option("--commit", arguments.commit, "What the candidate was built from")
      ->check(check_utf8);
  verb.add_option("--committed-at", arguments.committed_at, "When that was committed, RFC 3339")
      ->check(check_time);
  verb.add_option("--steps", arguments.steps, "\"10% for 10m, 50% for 10m, 100%\"")
      ->check(check_steps);
  verb.add_flag("--irreversible", arguments.is_irreversible,
                "Something went with it that no rollback undoes: pause and page instead");
  verb.add_option("--train", arguments.train, "The release that it is a part of")
      ->check(check_utf8);
  verb.add_option("--idempotency-key", arguments.key,
                  "The same key with the same arguments is the same rollout")
      ->check(check_key);
  add_output_option(verb, arguments.output);
}

std::string check_key(const std::string& text) {
  constexpr std::size_t kBytesMax = 255;
  if (text.empty() || text.size() > kBytesMax) {
    return "1 to 255 bytes should stand here, and " +
           (text.empty() ? "there is nothing: is the variable set?"
                         : "there are " + std::to_string(text.size()));
  }
  return check_utf8(text);
}

std::optional<std::string> complete(GateArguments& arguments) {
  if (!arguments.from_wrangler.empty()) {
    if (!arguments.candidate.empty()) return "--candidate or --from-wrangler, not both";
    const auto output = read_wrangler_output(arguments.from_wrangler);
    if (!output) return output.error().message;
    arguments.candidate = output->version;
    arguments.worker = output->worker;
    if (arguments.service.empty()) arguments.service = output->worker;
  }
  if (arguments.service.empty()) return "say which service: --service";
  if (arguments.candidate.empty()) return "say which version: --candidate, or --from-wrangler";
  if (arguments.candidate == arguments.baseline) {
    return "the candidate is the baseline: there is nothing to judge";
  }
  if (arguments.steps.empty() && !arguments.lasts.empty()) {
    const Duration lasts = lasts_of(arguments);
    if (lasts < kShortest || lasts > kLongest) return "--for: from 1s to 30 days, for example 10m";
  }
  if (const std::string wrong = check_fail_on(arguments.fail_on); !wrong.empty()) {
    return "--fail-on: " + wrong;
  }
  return std::nullopt;
}

std::string contradiction(const GateArguments& arguments, const std::string& other) {
  return fmt::format("--service says {}, and {} is about the Worker {}{}: leave one of them out",
                     arguments.service, arguments.from_wrangler, arguments.worker,
                     other == arguments.worker || other.empty() ? "" : ", which is " + other);
}

std::vector<rules::RolloutStep> steps_of(const GateArguments& arguments) {
  if (arguments.steps.empty()) return {};
  return rules::parse_steps(arguments.steps).value();  // Checked when it was read.
}

Duration lasts_of(const GateArguments& arguments) {
  if (arguments.steps.empty()) return *parse_duration(arguments.lasts);
  Duration lasts{};
  for (const rules::RolloutStep& step : steps_of(arguments)) lasts += step.bake;
  return lasts;
}

ExitCode exit_code_of(ExitCode code, const std::string& fail_on) {
  const bool fails_on_unknown = fail_on.find("unknown") != std::string::npos;
  const bool fails_on_fail = fail_on.find("fail") != std::string::npos;
  switch (code) {
    case kExitUnknown:
      return fails_on_unknown ? code : kExitPass;
    case kExitFail:
    case kExitRolledBack:
      return fails_on_fail ? code : kExitPass;
    default:
      return code;
  }
}

}  // namespace belay::monitor
