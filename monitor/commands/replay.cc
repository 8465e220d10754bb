#include "monitor/replay/replay.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/notice_output.h"
#include "monitor/commands/options.h"
#include "monitor/commands/replay_summary.h"
#include "monitor/commands/terminal.h"
#include "monitor/commands/verbs.h"
#include "monitor/config/sentence_needs.h"
#include "monitor/parse/rejection.h"
#include "monitor/replay/decisions.h"
#include "monitor/replay/episodes.h"
#include "monitor/replay/recording.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

const std::vector<std::string> kRules = {"packs/rollout"};

struct ReplayArguments {
  std::vector<std::string> files;
  std::vector<std::string> rules;  ///< None: kRules, or the default judgement of a rollout.
  std::vector<std::string> against;
  std::string format = "auto";
  std::string latency_field;
  std::string service;
  std::string candidate;
  std::string baseline;
  std::string steps;
  OutputFormat output = OutputFormat::text;
};

/// One replay from its arguments to its last line.
class ReplayVerb {
 public:
  explicit ReplayVerb(const ReplayArguments& arguments)
      : arguments_(arguments), style_(Style::of(stdout)) {
    if (arguments_.rules.empty() && arguments_.steps.empty()) arguments_.rules = kRules;
  }

  int run() {
    if (!arguments_.against.empty()) return compare();
    const auto rules = load_rules(arguments_.rules);
    if (!rules) return kExitConfiguration;
    if (!check_versions(*rules) || !read_steps(*rules)) return kExitUsage;
    Replay replay{options(*rules), [&](const rules::Step& step, Instant now) {
                    note_whether_judged(step, *replay_, now);
                    if (decisions_)
                      decide(step, now, *replay_->first());
                    else
                      show(step, now);
                  }};
    replay_ = &replay;
    for (const std::string& file : arguments_.files) {
      if (!read(file, replay)) return kExitUsage;
      if (reader_gone_) return kExitPass;
    }
    replay.finish();
    is_judged_ = is_judged_ || is_any_judged(replay);
    progress_.erase();
    decisions_ ? end_decisions(replay) : end(replay);
    if (replay.jump()) return kExitUsage;
    return how_much_was_seen(replay.summary());
  }

 private:
  bool read_steps(const std::vector<rules::Rule>& rules) {
    if (arguments_.steps.empty()) return true;
    if (arguments_.candidate.empty()) {
      complain("--steps needs --service and --candidate: whose traffic is it?");
      return false;
    }
    auto steps = rules::parse_steps(arguments_.steps);
    if (!steps) {
      complain("--steps: " + sanitize(steps.error().message));
      return false;
    }
    if (arguments_.baseline.empty()) complain(without_baseline());
    steps_ = *steps;
    decisions_.emplace(std::move(*steps), rules);
    return true;
  }

  void decide(const rules::Step& step, Instant now, Instant first) {
    const auto look = [this] { return replay_->rollout(); };
    for (const Decision& decision : decisions_->take(step, now, first, look)) show(decision);
  }

  void show(const Decision& decision) {
    if (arguments_.output == OutputFormat::json) {
      shown_.push_back(monitor::json_of(decision));
      return;
    }
    const std::string line = arguments_.output == OutputFormat::jsonl
                                 ? exporters::text_of(monitor::json_of(decision)) + "\n"
                                 : monitor::text_of(decision);
    if (!print(line)) reader_gone_ = true;
  }

  void end_decisions(const Replay& replay) {
    const auto first = replay.first();
    const auto kept = first ? decisions_->end(replay.last(), *first) : Decision{.decision = "keep"};
    if (kept) show(*kept);
    const Replay::Summary summary = replay.summary();
    if (arguments_.output == OutputFormat::json) {
      ordered_json json = summary_json(summary);
      json["decisions"] = shown_;
      print(exporters::text_of(json, 2) + "\n");
    } else if (arguments_.output == OutputFormat::text) {
      print(documents_text(summary, style_));
    }
  }

  /// The same recording under both sets of rules, and what differs.
  int compare() {
    if (std::ranges::find(arguments_.files, "-") != arguments_.files.end()) {
      complain("--against reads the recording twice: give it a file, not the standard input");
      return kExitUsage;
    }
    const auto a = load_rules(arguments_.rules);
    const auto b = load_rules(arguments_.against);
    if (!a || !b) return kExitConfiguration;
    if (!check_versions(*a) || !check_versions(*b)) return kExitUsage;
    const auto of_a = episodes_of(*a);
    const auto of_b = of_a ? episodes_of(*b) : std::nullopt;
    progress_.erase();
    if (!of_b) return kExitUsage;
    show(beside(*of_a, *of_b));
    if (read_.used == 0) complain("nothing was judged: there is no document to judge");
    return how_much_was_seen(read_);
  }

  /// Silence is no good news about nothing, nor about what could not be read or judged.
  [[nodiscard]] int how_much_was_seen(const Replay::Summary& summary) const {
    if (summary.used == 0) return kExitUnknown;
    if (is_too_much_lost(summary.unreadable, summary.documents)) {
      complain(fmt::format(
          "{} of {} documents cannot be read, and may be what fails: nothing may be called fine; "
          "name the right --format, or mend what writes them",
          summary.unreadable, summary.documents));
      return kExitUnknown;
    }
    if (is_judged_) return kExitPass;
    complain("no rule was anything but unknown, all along");
    return kExitUnknown;
  }

  /// Nothing: the recording cannot be replayed, and why was told.
  std::optional<Episodes> episodes_of(const std::vector<rules::Rule>& rules) {
    Episodes episodes;
    const Replay* judging = nullptr;
    Replay replay{options(rules), [&](const rules::Step& step, Instant now) {
                    note_whether_judged(step, *judging, now);
                    episodes.take(step);
                  }};
    judging = &replay;
    look_at_ = Instant{};
    for (const std::string& file : arguments_.files) {
      if (!read(file, replay)) return std::nullopt;
    }
    replay.finish();
    is_judged_ = is_judged_ || is_any_judged(replay);
    read_ = replay.summary();
    return replay.jump() ? std::nullopt : std::optional{episodes};
  }

  void show(const std::vector<RuleBeside>& rules) const {
    const auto differ = std::ranges::count_if(rules, &RuleBeside::differs);
    if (arguments_.output == OutputFormat::json) {
      ordered_json json{{"a", arguments_.rules}, {"b", arguments_.against}, {"differ", differ}};
      json["rules"] = ordered_json::array();
      for (const RuleBeside& rule : rules) json["rules"].push_back(monitor::json_of(rule));
      print(exporters::text_of(json, 2) + "\n");
      return;
    }
    std::string text;
    for (const RuleBeside& rule : rules) {
      if (arguments_.output == OutputFormat::jsonl) {
        text += exporters::text_of(monitor::json_of(rule)) + "\n";
        continue;
      }
      text += fmt::format("{} {}{}\n", sanitize(rule.service), style_.bold(sanitize(rule.rule)),
                          rule.differs() ? "" : ": the same in both");
      text += fmt::format("  A  {}\n", monitor::text_of(rule.a));
      if (rule.differs()) text += fmt::format("  B  {}\n", monitor::text_of(rule.b));
    }
    if (arguments_.output == OutputFormat::text) {
      text += rules.empty()
                  ? "no rule fired in either\n"
                  : fmt::format("{} of {} rules that fired differ; A is {}, B is {}\n", differ,
                                rules.size(),
                                sanitize(fmt::format("{}", fmt::join(arguments_.rules, ", "))),
                                sanitize(fmt::format("{}", fmt::join(arguments_.against, ", "))));
    }
    print(text);
  }

  bool check_versions(const std::vector<rules::Rule>& rules) {
    if (!arguments_.candidate.empty()) {
      if (arguments_.service.empty()) complain("--candidate needs --service: whose version is it?");
      return !arguments_.service.empty();
    }
    const auto compares = std::ranges::find_if(
        rules, [](const rules::Rule& rule) { return needs_of(rule.sentence).versions; });
    if (compares == rules.end()) return true;
    complain(fmt::format("rule {} compares versions: add --service, --candidate and --baseline",
                         compares->name));
    return false;
  }

  Replay::Options options(const std::vector<rules::Rule>& rules) const {
    Replay::Options options;
    options.format = *log_format_of(arguments_.format);
    options.latency_field = arguments_.latency_field;
    rules::ServicePlan plan;
    if (arguments_.candidate.empty()) {
      plan.rules = rules;
    } else {
      plan.rollout_rules = rules;
      options.gate = rules::RolloutStarted{.service = arguments_.service,
                                           .candidate = arguments_.candidate,
                                           .baseline = arguments_.baseline,
                                           .lasts = std::chrono::hours{24 * 366}};
      plan.rollout.is_judged_by_default = decisions_.has_value();
      options.steps = steps_;
    }
    if (!arguments_.service.empty()) {
      options.service = arguments_.service;
      plan.name = arguments_.service;
      options.plan.services.push_back(plan);
      plan.name.clear();
      plan.rollout_rules.clear();
    }
    options.plan.any_service = std::move(plan);
    return options;
  }

  bool read(const std::string& file, Replay& replay) {
    const std::uint64_t events_before = replay.events();
    const bool jumped_before = replay.jump().has_value();
    std::uint64_t bytes = 0;
    const Status status = read_recording(file, [&](std::string_view piece) {
      replay.feed(piece);
      bytes += piece.size();
      if (progress_.due()) {
        progress_.show(
            fmt::format("{}: {} MB read, {} events", sanitize(file), bytes >> 20, replay.events()));
      }
      return !reader_gone_;
    });
    replay.end_of_file();
    if (!status) {
      complain(sanitize(status.error().message));
      return false;
    }
    if (replay.jump() && !jumped_before) tell_jump(file, *replay.jump(), events_before);
    return true;
  }

  void tell_jump(const std::string& file, const Replay::Jump& jump, std::uint64_t events_before) {
    progress_.erase();
    const LogParserOptions options{.format = *log_format_of(arguments_.format),
                                   .latency_field = arguments_.latency_field};
    const auto line = line_of_event(file, options, jump.event - events_before);
    const std::string place = line ? fmt::format("{}:{}", file, *line)
                                   : fmt::format("{}: event {}", file, jump.event + 1);
    complain(sanitize(fmt::format(
        "{}: the time jumps ahead by {}, more than {}: refused, with all that lies as far ahead; "
        "if the recording has such a gap, replay its parts one by one",
        place, format_duration(jump.ahead), format_duration(Replay::kJumpMax))));
  }

  [[nodiscard]] bool is_any_judged(const Replay& replay) const {
    const std::optional<rules::Snapshot> snapshot = replay.snapshot();
    return snapshot && std::ranges::any_of(snapshot->services, [this](const auto& service) {
             return is_judged_by_default(service) ||
                    std::ranges::any_of(service.rules, [](const rules::RuleStatus& rule) {
                      return rule.truth != rules::Truth::unknown;
                    });
           });
  }

  /// It has no rule with a truth: it judges where a step would have enough.
  [[nodiscard]] bool is_judged_by_default(const rules::ServiceStatus& service) const {
    if (!decisions_ || !service.rollout || !service.rollout->comparison) return false;
    const rules::PairCounts& counts = service.rollout->comparison->since_start;
    return counts[rules::Role::candidate].total >=
           std::max<std::uint64_t>(steps_.front().samples_min, 1);
  }

  /// A recording may end in silence: what was judged before counts, too. Often enough for the
  /// shortest window.
  void note_whether_judged(const rules::Step& step, const Replay& replay, Instant now) {
    is_judged_ = is_judged_ || std::ranges::any_of(step.notices, [](const auto& notice) {
                   return notice.kind == rules::Notice::Kind::fired;
                 });
    if (is_judged_ || now < look_at_) return;
    is_judged_ = is_any_judged(replay);
    look_at_ = now + std::chrono::seconds{5};
  }

  void show(const rules::Step& step, Instant now) {
    if (!start_) start_ = now;
    for (const rules::Notice& notice : step.notices) {
      if (notice.kind == rules::Notice::Kind::fired) ++fired_[{notice.service, notice.rule}];
      if (arguments_.output == OutputFormat::json) {
        shown_.push_back(monitor::json_of(notice, *start_));
        continue;
      }
      const std::string line = arguments_.output == OutputFormat::jsonl
                                   ? exporters::text_of(monitor::json_of(notice, *start_)) + "\n"
                                   : text_of(notice, style_);
      if (!print(line)) reader_gone_ = true;
    }
  }

  void end(const Replay& replay) {
    const Replay::Summary summary = replay.summary();
    if (arguments_.output == OutputFormat::text) {
      print(rules_text(summary, fired_, replay.snapshot(), style_));
      return;
    }
    ordered_json json = summary_json(summary);
    json["rules"] = rules_json(fired_, replay.snapshot());
    if (arguments_.output == OutputFormat::json) {
      json["notices"] = shown_;
      print(exporters::text_of(json, 2) + "\n");
    } else {
      ordered_json line{{"kind", "summary"}};
      line.update(json);
      print(exporters::text_of(line) + "\n");
    }
  }

  ReplayArguments arguments_;
  const Style style_;
  Progress progress_;
  std::optional<Instant> start_;
  bool is_judged_ = false;  ///< Some rule was not unknown.
  Instant look_at_{};       ///< When that is looked for again.
  Fired fired_;
  std::vector<rules::RolloutStep> steps_;
  std::optional<Decisions> decisions_;  ///< With --steps.
  const Replay* replay_ = nullptr;
  ordered_json shown_ = ordered_json::array();
  bool reader_gone_ = false;
  Replay::Summary read_;  ///< What the recording came to when it was read last, in compare().
};

}  // namespace

void add_replay(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "replay", "Run rules over recorded events and print when each would have fired");
  auto arguments = std::make_shared<ReplayArguments>();
  verb->add_option("files", arguments->files, "Recordings, in their order; - is the standard input")
      ->required()
      ->type_name("FILE...");
  verb->add_option("--rules", arguments->rules, "Packs and rule files")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->default_str("packs/rollout; with --steps the default judgement of a rollout");
  verb->add_option("--against", arguments->against,
                   "Other packs and rule files: what would they have done, and what differs?")
      ->type_name("FILE")
      ->allow_extra_args(false);
  verb->add_option("--format", arguments->format, "auto, cloudflare, logpush, fly or generic")
      ->check(CLI::IsMember({"auto", "cloudflare", "logpush", "fly", "generic"}))
      ->capture_default_str();
  verb->add_option("--latency-field", arguments->latency_field,
                   "Field of a log line that holds the duration in milliseconds");
  verb->add_option("--service", arguments->service,
                   "The service that is rolled out, and that events belong to which name none");
  verb->add_option("--candidate", arguments->candidate, "Its new version");
  verb->add_option("--baseline", arguments->baseline, "The version that was good before");
  verb->add_option("--steps", arguments->steps,
                   "How the traffic was moved: print what the rollout would have decided")
      ->type_name("'10% for 10m, ...'");
  add_output_option(*verb, arguments->output);
  verb->callback([arguments, &chosen] {
    chosen = [arguments] { return delivered(ReplayVerb{*arguments}.run()); };
  });
}

}  // namespace belay::monitor
