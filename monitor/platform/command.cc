#include "monitor/platform/command.h"

#include <algorithm>
#include <cstdio>
#include <variant>

#include "base/sanitize.h"
#include "base/shell_quoted.h"
#include "monitor/process.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kOutputShownBytes = 300;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

/// Values must not hold what an environment cannot.
std::string plain(const std::string& text) { return sanitize(text, 4000); }

using Environment = std::vector<std::pair<std::string, std::string>>;

Environment environment_of(const rules::Order& order, const Environment& configured) {
  std::string action = "run";
  std::string target;
  std::string percent;
  if (const auto* rollback = std::get_if<rules::RollBack>(&order.action)) {
    action = "rollback";
    target = rollback->target;
  } else if (const auto* reset = std::get_if<rules::ResetFlag>(&order.action)) {
    action = "reset_flag";
    target = reset->flag;
  } else if (const auto* run = std::get_if<rules::RunCommand>(&order.action)) {
    target = run->command;
  } else if (const auto* move = std::get_if<rules::MoveTraffic>(&order.action)) {
    action = "move";
    target = move->candidate;
    percent = number(move->percent);
  }
  const rules::Evidence evidence =
      order.evidence.empty() ? rules::Evidence{} : order.evidence.front();
  const bool has_evidence = !order.evidence.empty();
  // Of equal names the last one counts: nobody configures the evidence away.
  Environment environment = configured;
  const Environment of_order = {
      {"BELAY_INTENT", plain(order.intent)},
      {"BELAY_SERVICE", plain(order.service)},
      {"BELAY_RULE", plain(order.rule)},
      {"BELAY_REASON", plain(order.reason)},
      {"BELAY_ACTION", action},
      {"BELAY_TARGET", plain(target)},
      {"BELAY_PERCENT", percent},
      {"BELAY_CANDIDATE", plain(order.candidate)},
      {"BELAY_BASELINE", plain(order.baseline)},
      {"BELAY_METRIC", plain(evidence.what)},
      {"BELAY_VALUE", evidence.has_value ? number(evidence.value) : std::string()},
      {"BELAY_THRESHOLD", has_evidence ? number(evidence.threshold) : std::string()},
      {"BELAY_SAMPLES", has_evidence ? std::to_string(evidence.denominator) : std::string()}};
  environment.insert(environment.end(), of_order.begin(), of_order.end());
  return environment;
}

bool is_move(const rules::Order& order) {
  return std::holds_alternative<rules::MoveTraffic>(order.action);
}

Error cannot_move() {
  return Error{Error::Kind::failed, "no command is configured that moves traffic"};
}

/// Of the environment, what a person has to type, too.
constexpr std::array<std::string_view, 6> kTypedByHand = {"BELAY_ACTION",    "BELAY_SERVICE",
                                                          "BELAY_TARGET",    "BELAY_PERCENT",
                                                          "BELAY_CANDIDATE", "BELAY_BASELINE"};

std::string said_by(const RunResult& run) {
  std::string text = run.err.empty() ? run.out : run.err;
  text.erase(text.find_last_not_of(" \t\r\n") + 1);  // A last line's end is nothing to tell.
  return text.empty() ? std::string() : ": " + sanitize(text, kOutputShownBytes);
}

/// Without its directory: a report goes to people who are not at home on this machine.
std::string name_of(const std::vector<std::string>& argv) {
  if (argv.empty()) return "(no program)";
  const std::string& program = argv.front();
  return sanitize(program.substr(program.rfind('/') + 1), 100);
}

constexpr std::string_view kOfFile = "${file:";

/// A word as it is written in the configuration: `$$` is one `$`, and `${NAME}` and `${file:PATH}`
/// are for the shell to fill in.
std::string shell_word(const std::string& written) {
  bool has_variable = false;
  std::string plain;
  std::string quoted = "\"";
  for (std::size_t at = 0; at < written.size(); ++at) {
    const std::string_view rest = std::string_view(written).substr(at);
    const bool is_variable = rest.starts_with("${");
    has_variable = has_variable || is_variable;
    if (rest.starts_with(kOfFile) && rest.find('}') != std::string_view::npos) {
      const std::size_t bytes = rest.find('}');
      const std::string_view path = rest.substr(kOfFile.size(), bytes - kOfFile.size());
      quoted += "$(cat " + shell_quoted(std::string(path)) + ")";
      at += bytes;
      continue;
    }
    at += static_cast<std::size_t>(rest.starts_with("$$"));
    plain += written[at];
    if (!is_variable && std::string_view("\"\\`$").find(written[at]) != std::string_view::npos)
      quoted += '\\';
    quoted += written[at];
  }
  return has_variable ? quoted + "\"" : shell_quoted(plain);
}

}  // namespace

Result<Standing> CommandPlatform::read(const rules::Order& order, std::stop_token stop) {
  if (is_move(order) && options_.move.empty()) return cannot_move();
  if (options_.verify.empty()) {
    return Standing{Standing::Kind::expected, "there is no verify command to look with"};
  }
  const Result<RunResult> run = run_program(
      {.argv = options_.verify, .environment = environment_of(order, options_.environment)},
      {.timeout = options_.verify_timeout, .grace = std::chrono::seconds{1}}, std::move(stop));
  if (!run.ok()) {
    const bool is_missing = run.error().kind == Error::Kind::not_found;
    return Error{is_missing ? Error::Kind::not_found : Error::Kind::unavailable,
                 run.error().message};
  }
  const std::string said =
      "verify " + name_of(options_.verify) + " gave " + run->end.text() + said_by(*run);
  const bool ended_by_itself = !run->timed_out && !run->stopped && run->end.signal == 0;
  if (ended_by_itself && run->end.code == 0) return Standing{Standing::Kind::target, said};
  if (ended_by_itself && run->end.code == 1) return Standing{Standing::Kind::expected, said};
  // What a shell says of a program that is not there, or cannot be run: that does not pass.
  const bool cannot_run = ended_by_itself && (run->end.code == 126 || run->end.code == 127);
  return Error{cannot_run ? Error::Kind::failed : Error::Kind::unavailable,
               run->timed_out ? said + ", out of time" : said};
}

Status CommandPlatform::apply(const rules::Order& order, std::stop_token stop) {
  if (is_move(order) && options_.move.empty()) return cannot_move();
  const std::vector<std::string>& argv = is_move(order) ? options_.move : options_.argv;
  const Result<RunResult> run =
      run_program({.argv = argv, .environment = environment_of(order, options_.environment)},
                  {.timeout = options_.timeout, .grace = std::chrono::seconds{2}}, std::move(stop));
  if (!run.ok()) return Error{Error::Kind::failed, run.error().message};
  const std::string said = name_of(argv) + " gave " + run->end.text() + said_by(*run);
  if (run->end.success() && !run->timed_out && !run->stopped) return Done{};
  if (run->timed_out) return Error{Error::Kind::ambiguous, said + ", out of time"};
  if (run->stopped || run->end.signal != 0) return Error{Error::Kind::ambiguous, said};
  // It says that it failed. Only a verify can tell how much of its work it had done by then.
  return Error{options_.verify.empty() ? Error::Kind::failed : Error::Kind::ambiguous, said};
}

Trace CommandPlatform::trace(const rules::Order& /*order*/) const {
  return options_.verify.empty() ? Trace::none : Trace::effect;
}

std::string CommandPlatform::by_hand(const rules::Order& order) const {
  const std::vector<std::string>& argv = is_move(order) ? options_.move_written : options_.written;
  std::string line;
  // What says whom it is about: without that a program would put back nobody.
  for (const auto& [name, value] : environment_of(order, {}))
    if (!value.empty() && std::ranges::count(kTypedByHand, name) > 0)
      line += name + "=" + shell_quoted(value) + " ";
  for (const std::string& word : argv) line += shell_word(word) + " ";
  line.pop_back();
  const bool is_beside = !argv.empty() && !argv.front().starts_with('/') &&
                         argv.front().find('/') != std::string::npos;
  if (is_beside) line += " # in the directory of the configuration";
  if (!options_.environment.empty()) line += " # with its `env`:";
  for (const auto& [name, value] : options_.environment) line += " " + name;
  return sanitize(line, rules::kByHandBytesMax);
}

}  // namespace belay::monitor
