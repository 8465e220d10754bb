#include <optional>
#include <string>
#include <string_view>

#include "exporters/markdown.h"
#include "exporters/report.h"
#include "rules/judgement/rollout_words.h"

namespace belay::exporters {
namespace {

using rules::RuleStatus;

std::string seconds_text(Duration duration) {
  return format_duration(std::chrono::round<std::chrono::milliseconds>(duration));
}

class Page {
 public:
  void line(std::string_view text = "") { text_.append(text).append("\n"); }
  void heading(std::string_view words) {
    line();
    line("## " + std::string(words));
    line();
  }
  void table(std::string_view head, std::string_view rule) {
    line(head);
    line(rule);
  }
  void fact(std::string_view name, const std::string& value) {
    line("| " + std::string(name) + " | " + value + " |");
  }
  void fact_if(std::string_view name, const std::string& value) {
    if (!value.empty()) fact(name, code_span(value));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void put_facts(Page& page, const Report& report) {
  const rules::RolloutStatus& rollout = report.rollout;
  page.table("| | |", "|---|---|");
  page.fact("service", code_span(rollout.service));
  page.fact("candidate", code_span(rollout.candidate));
  page.fact("baseline", rollout.baseline.empty() ? "none" : code_span(rollout.baseline));
  page.fact("mode",
            std::string(name_of(rollout.mode)) + (rollout.is_driving ? ", driving" : ", attached"));
  page.fact_if("begun by", rollout.by);
  page.fact_if("commit", rollout.commit);
  page.fact_if("train", rollout.train);
  page.fact("steps", code_span(rules::steps_text(rollout.steps)));
  page.fact("rollout", code_span(rollout.id));
  page.fact("began", format_utc(rollout.started));
  if (report.decided) page.fact("decided", format_utc(*report.decided));
  if (rollout.ended) page.fact("ended", format_utc(*rollout.ended));
  const auto took = [&](const char* name, std::optional<Duration> duration) {
    if (duration) page.fact(name, seconds_text(*duration));
  };
  took("time to detect", report.time_to_detect());
  took("time to act", report.time_to_act());
  took("time to recover", report.time_to_recover());
}

std::string standing_of(const RuleStatus& rule) {
  if (rule.firing) return "**fires**";
  if (rule.truth == rules::Truth::bad)
    return rule.was_bad_before ? "bad, as before the rollout" : "bad";
  if (rule.truth == rules::Truth::unknown)
    return "unknown" + (rule.unknown ? " (" + std::string(name_of(*rule.unknown)) + ")" : "");
  return "fine";
}

std::string measured(const std::vector<rules::Evidence>& evidence) {
  std::string text;
  for (const rules::Evidence& one : evidence)
    text += (text.empty() ? "" : "<br>") + code_span(one.what + ": " + describe(one));
  return text.empty() ? "-" : text;
}

void put_rules(Page& page, const Report& report) {
  page.heading("What it was judged on");
  if (!report.has_evidence) {
    page.line("The journal does not say: it never got that far, or was written by an older Belay.");
    return;
  }
  if (report.rollout.rules.empty()) {
    page.line(report.rollout.comparison ? "No rule of yours: the default judgement, as below."
                                        : "No rule.");
    return;
  }
  page.table("| rule | verdict | measured |", "|---|---|---|");
  for (const RuleStatus& rule : report.rollout.rules)
    page.line("| " + code_span(rule.rule) + "<br>" + code_span(rule.sentence) + " | " +
              standing_of(rule) + " | " + measured(rule.evidence) + " |");
}

std::string share_text(double share) { return words_of(share, rules::Dimension::share); }

std::string of_text(const rules::PairCounts::Of& counts) {
  return std::to_string(counts.bad) + " of " + std::to_string(counts.total);
}

void put_top(Page& page, const char* what, const std::vector<rules::TopFailure>& failures) {
  if (failures.empty()) return;
  page.line();
  page.table("| " + std::string(what) + " | bad |", "|---|---|");
  for (const rules::TopFailure& failure : failures)
    page.line("| " + code_span(failure.name) + " | " + std::to_string(failure.bad) +
              (failure.total > 0 ? " of " + std::to_string(failure.total) : "") + " |");
}

void put_since_start(Page& page, const rules::RolloutNumbers& numbers) {
  using rules::Role;
  page.line("- since the rollout began: candidate " +
            of_text(numbers.since_start[Role::candidate]) + ", baseline " +
            of_text(numbers.since_start[Role::baseline]));
  if (numbers.since_start[Role::baseline].total == 0)
    page.line("- the baseline had no requests beside it, so nobody can say whose they were");
}

void put_shares(Page& page, const rules::RolloutNumbers& numbers) {
  using rules::Role;
  page.line("- bad requests: candidate " + of_text(numbers.counts[Role::candidate]) +
            ", baseline " + of_text(numbers.counts[Role::baseline]));
  page.line("- share of the bad ones: " + share_text(numbers.share) +
            (numbers.allowed > 0 ? "; allowed: " + share_text(numbers.allowed) : ""));
  page.line("- its rate, at 99 %: " + share_text(numbers.interval.low) + " to " +
            share_text(numbers.interval.high));
  if (numbers.odds_limit > 0)
    page.line("- evidence that it is worse than allowed: " + words_of_odds(numbers) +
              (numbers.odds < numbers.odds_limit ? ", not enough to act by itself" : ""));
}

void put_comparison(Page& page, const Report& report) {
  page.heading("Whose errors they were");
  const std::optional<rules::RolloutNumbers>& numbers = report.rollout.comparison;
  if (!numbers || numbers->since_start[rules::Role::candidate].total == 0) {
    page.line("Nobody can say: there was nothing to compare.");
    return;
  }
  if (numbers->counts[rules::Role::candidate].total == 0) {
    page.line("No evidence against the candidate stood at the end" +
              std::string(report.lost.empty() ? "." : "; not all could be seen."));
    page.line();
    put_since_start(page, *numbers);
    return;
  }
  page.line(code_span(words_of_share(*numbers, report.rollout.candidate)));
  page.line();
  put_shares(page, *numbers);
  put_since_start(page, *numbers);
  const bool is_of_rule = numbers->margin == 0;
  if (is_of_rule && !(numbers->routes.empty() && numbers->reasons.empty()))
    page.line(
        "- what follows is counted from when the evidence against it began on: that may be "
        "longer than the window of the rule");
  put_top(page, "route", numbers->routes);
  put_top(page, "reason", numbers->reasons);
  put_top(page, "exception", numbers->exceptions);
}

void put_lost(Page& page, const Report& report) {
  page.heading("What could not be seen");
  if (report.lost.empty()) {
    page.line(
        report.has_evidence
            ? "No source was away, late or sampled, and no request of the candidate came too late."
            : "The journal does not say.");
    return;
  }
  page.table("| source | what | from | to |", "|---|---|---|---|");
  for (const rules::LostEvidence::Spell& spell : report.lost) {
    std::string what = spell.what;
    if (spell.what == "gap")
      what = "lost at least " + std::to_string(spell.lost) + " events (" + spell.reason + ")";
    if (spell.what == "refused")
      what = std::to_string(spell.lost) + " do not count (" + spell.reason + ")";
    page.line("| " + code_span(spell.source) + " | " + code_span(what) + " | " +
              format_utc(spell.since) + " | " +
              (spell.until ? format_utc(*spell.until) : std::string("not over")) + " |");
  }
}

/// Of one that has failed and was left as it is.
std::string why_nothing(const Report& report) {
  if (report.rollout.state != rules::RolloutState::failed) return {};
  if (!report.why_not_acted.empty() || report.rollout.mode == rules::Mode::enforce)
    return report.why_not_acted;
  return "mode " + std::string(name_of(report.rollout.mode));
}

void put_actions(Page& page, const Report& report) {
  page.heading("What was done");
  const std::string undone = why_nothing(report);
  if (report.actions.empty()) {
    page.line("Nothing" + (undone.empty() ? "." : ": " + code_span(undone)));
  } else {
    page.table("| when | what | outcome | verified |", "|---|---|---|---|");
  }
  for (const Report::Action& action : report.actions) {
    std::string outcome = action.phase ? std::string(name_of(*action.phase)) : "not known yet";
    if (action.ended) outcome += ", " + format_utc(*action.ended);
    if (!action.detail.empty()) outcome += "<br>" + code_span(action.detail);
    if (!action.by_hand.empty())
      outcome += "<br>by hand: " + code_span(action.by_hand, rules::kByHandBytesMax);
    std::string verified = "-";
    if (action.verified) {
      verified = code_span(*action.verified);
      if (action.verified_at) verified += ", " + format_utc(*action.verified_at);
      verified += "<br>" + code_span(action.why);
      if (!action.evidence.empty()) verified += "<br>" + measured(action.evidence);
    }
    page.line("| " + format_utc(action.at) + " | " + code_span(action.words) + "<br>intent " +
              code_span(action.intent) + " | " + outcome + " | " + verified + " |");
  }
  if (!report.actions.empty() && !undone.empty()) {
    page.line();
    page.line("Nothing was done about its fail: " + code_span(undone));
  }
  const auto& [undo, logs] = report.commands;
  if (!undo.empty() || !logs.empty()) page.line();
  if (!undo.empty()) page.line("- To undo what Belay did: " + code_span(undo));
  if (!logs.empty()) page.line("- To look at the logs: " + code_span(logs));
}

void put_timeline(Page& page, const Report& report) {
  page.heading("Timeline");
  page.table("| when | what |", "|---|---|");
  for (const Report::Moment& moment : report.timeline)
    page.line("| " + format_utc(moment.at) + " | " + code_span(moment.what) + " |");
  if (report.is_cut) {
    page.line();
    page.line("There was more: its middle is left out. `belay history` has all of it.");
  }
}

}  // namespace

std::string markdown_of(const Report& report) {
  Page page;
  page.line("# " + verdict_of(report));
  page.line();
  const std::string& why = report.decided_by.empty() ? report.rollout.why : report.decided_by;
  page.line(code_span(report.rollout.candidate) + " of " + code_span(report.rollout.service) +
            (why.empty() ? "" : ": " + code_span(why)));
  page.line();
  put_facts(page, report);
  put_rules(page, report);
  put_comparison(page, report);
  put_lost(page, report);
  put_actions(page, report);
  put_timeline(page, report);
  return page.take();
}

}  // namespace belay::exporters
