#include "rules/rollout/notices.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/sanitize.h"
#include "rules/language/rule_check.h"
#include "rules/language/units.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/judged_text.h"
#include "rules/rollout/train.h"

namespace belay::rules {
namespace {

std::string words_of(const Then& then) {
  return then.kind == Then::Kind::rollback ? "roll back" : then_text(then);
}

std::string clean(const std::string& text) { return sanitize(text); }

std::string text_of(const Notice& notice, const std::string& why) {
  JsonText text;
  text.field("kind", name_of(notice.kind))
      .field("page", notice.page)
      .field("headline", notice.headline);
  if (!why.empty()) text.field("why", why);
  return text.take();
}

constexpr std::string_view kByHandLabel = "by hand: ";

}  // namespace

std::string words_of_by_hand(const std::string& command) {
  return std::string(kByHandLabel) + sanitize(command, kByHandBytesMax);
}

bool tells_by_hand(const std::vector<std::string>& details) {
  return std::ranges::any_of(
      details, [](const std::string& line) { return line.starts_with(kByHandLabel); });
}

std::vector<std::string> lines_of(const std::vector<Evidence>& evidence) {
  std::vector<std::string> lines;
  lines.reserve(evidence.size());
  for (const Evidence& one : evidence) lines.push_back(clean(one.what) + ": " + describe(one));
  return lines;
}

std::string gist_of(const std::vector<Evidence>& evidence) {
  if (evidence.empty()) return {};
  const auto bad = std::find_if(evidence.begin(), evidence.end(),
                                [](const Evidence& one) { return one.truth == Truth::bad; });
  const Evidence& told = bad == evidence.end() ? evidence.front() : *bad;
  return clean(told.what) + " " + describe(told);
}

namespace {

constexpr std::string_view kRollBackWords = "roll back from ";

}  // namespace

bool is_of_rollback(const Notice& notice) {
  return notice.headline.find(kRollBackWords) != std::string::npos;
}

std::string words_of(const Order& order) {
  if (const auto* back = std::get_if<RollBack>(&order.action))
    return std::string(kRollBackWords) + clean(back->expected) +
           (back->target.empty() ? "" : " to " + clean(back->target));
  if (const auto* reset = std::get_if<ResetFlag>(&order.action))
    return "reset flag " + clean(reset->flag);
  if (const auto* move = std::get_if<MoveTraffic>(&order.action))
    return "move " + decimal_text(move->percent) + "% of the traffic to " + clean(move->candidate);
  return "run " + clean(std::get<RunCommand>(order.action).command);
}

std::string words_of(const ActionOutcome& outcome) {
  if (outcome.by_hand.empty()) return clean(outcome.detail);
  return clean(outcome.detail) + (outcome.detail.empty() ? "" : "; ") +
         words_of_by_hand(outcome.by_hand);
}

std::string words_of(const std::vector<Then>& ladder) {
  std::string words;
  for (const Then& then : ladder) words += (words.empty() ? "" : ", then ") + words_of(then);
  return words;
}

Teller::Teller(Step& out, std::string service, std::string candidate, std::string baseline,
               Instant at, std::string rollout)
    : out_(out),
      service_(std::move(service)),
      candidate_(std::move(candidate)),
      baseline_(std::move(baseline)),
      at_(at),
      rollout_(std::move(rollout)) {}

void Teller::entry(JournalEntry::Kind kind, const std::string& rule, const std::string& intent,
                   std::string text) {
  out_.journal.push_back({.kind = kind,
                          .at = at_,
                          .service = service_,
                          .rule = rule,
                          .intent = intent,
                          .text = std::move(text),
                          .rollout = rollout_});
}

Notice& Teller::notice(Notice::Kind kind, bool page, std::string headline) {
  Notice& notice = out_.notices.emplace_back();
  notice.kind = kind;
  notice.page = page;
  notice.at = at_;
  notice.service = service_;
  notice.candidate = candidate_;
  notice.baseline = baseline_;
  notice.headline = service_.empty() ? std::move(headline) : clean(service_) + ": " + headline;
  entry(JournalEntry::Kind::notice, "", "", text_of(notice, ""));
  return notice;
}

Notice& Teller::about(const Rule& rule, Notice::Kind kind, bool page, std::string headline) {
  Notice& made = notice(kind, page, std::move(headline));
  out_.journal.back().rule = rule.name;
  made.rule = rule.name;
  made.severity = rule.severity;
  return made;
}

void Teller::fired(const JudgedRule& rule, const std::string& consequence,
                   const std::string& against) {
  const RuleStatus& status = rule.status();
  JsonText text;
  text.field("candidate", candidate_)
      .field("then", words_of(rule.rule().then))
      .field("sentence", status.sentence)
      .field("evidence", lines_of(status.evidence));
  if (!against.empty()) text.field("against", against);
  entry(JournalEntry::Kind::fired, status.rule, "", text.take());
  const bool is_critical = rule.rule().severity == Severity::critical;
  Notice& made = about(rule.rule(), Notice::Kind::fired, is_critical,
                       clean(status.rule) + " is firing: " + gist_of(status.evidence));
  made.evidence = status.evidence;
  made.details = lines_of(status.evidence);
  made.details.push_back("rule: " + clean(status.sentence));
  if (!candidate_.empty())
    made.details.push_back(
        "candidate " + clean(candidate_) +
        (baseline_.empty() ? ", no baseline" : ", baseline " + clean(baseline_)));
  if (!rule.rule().summary.empty()) made.details.push_back(clean(rule.rule().summary));
  if (!consequence.empty()) made.details.push_back(consequence);
  if (!against.empty())
    made.details.push_back(clean(against) +
                           " is no version to go back to until it has been fine for 10m");
  if (!rule.rule().runbook.empty())
    made.details.push_back("runbook: " + clean(rule.rule().runbook));
}

void Teller::cleared(const JudgedRule& rule, const std::string& against) {
  const RuleStatus& status = rule.status();
  JsonText text;
  text.field("candidate", candidate_).field("sentence", status.sentence);
  if (!against.empty()) text.field("against", against);
  entry(JournalEntry::Kind::cleared, status.rule, "", text.take());
  Notice& made = about(rule.rule(), Notice::Kind::cleared, false,
                       clean(status.rule) + " is fine again: " + gist_of(status.evidence));
  made.evidence = status.evidence;
  made.details = lines_of(status.evidence);
}

void Teller::rollout_started(const std::string& how, const std::vector<std::string>& details) {
  notice(Notice::Kind::rollout_started, false,
         "watching " + clean(candidate_) + " " + how +
             (baseline_.empty() ? ", without a baseline" : ", against " + clean(baseline_)))
      .details = details;
}

void Teller::rollout_ended(Outcome outcome, const std::string& why,
                           const std::vector<std::string>& details, bool page) {
  notice(Notice::Kind::rollout_ended, page,
         clean(candidate_) + ": " + name_of(outcome) + ": " + clean(why))
      .details = details;
}

void Teller::moving(const Order& order) {
  out_.journal.push_back(intent_entry(order, candidate_, baseline_));
  out_.orders.push_back(order);
  Notice& made = notice(Notice::Kind::acting, false, words_of(order) + ", " + clean(order.reason));
  out_.journal.back().intent = order.intent;
  made.intent = order.intent;
}

void Teller::acting(const Order& order, const std::string& beware) {
  out_.journal.push_back(intent_entry(order, candidate_, baseline_));
  out_.orders.push_back(order);
  std::string why = "because " + clean(order.rule) + " fired";
  if (order.rule == kTrainRule) why = "because " + clean(order.reason);
  if (order.rule == kByHand) why = clean(order.reason);
  Notice& made = notice(Notice::Kind::acting, false, words_of(order) + ", " + why);
  out_.journal.back().intent = order.intent;
  made.rule = order.rule;
  made.intent = order.intent;
  made.evidence = order.evidence;
  made.details = lines_of(order.evidence);
  if (!beware.empty()) made.details.insert(made.details.begin(), beware);
}

void Teller::would_act(const Rule& rule, const std::vector<Evidence>& evidence,
                       const std::vector<Then>& ladder, const std::vector<std::string>& details) {
  Notice& made = about(rule, Notice::Kind::would_act, true,
                       "would " + words_of(ladder) + ", because " + clean(rule.name) + " fired");
  made.evidence = evidence;
  made.details = lines_of(evidence);
  made.details.insert(made.details.end(), details.begin(), details.end());
}

void Teller::not_acted(const Rule& rule, const std::string& headline, const std::string& why,
                       const std::vector<Evidence>& evidence, const std::string& intent,
                       const std::string& by_hand) {
  Notice& made = about(rule, Notice::Kind::not_acted, true, headline);
  out_.journal.back().intent = intent;
  out_.journal.back().text = text_of(made, clean(why));
  made.intent = intent;
  made.evidence = evidence;
  made.details.push_back("why not: " + clean(why));
  if (!by_hand.empty()) made.details.push_back(words_of_by_hand(by_hand));
  for (std::string& line : lines_of(evidence)) made.details.push_back(std::move(line));
}

void Teller::commanded(const OperatorCommand& command, const std::string& answer) {
  entry(JournalEntry::Kind::commanded, "", "",
        JsonText()
            .field("rollout", command.rollout)
            .field("command", name_of(command.kind))
            .field("by", clean(command.by))
            .field("reason", clean(command.reason))
            .field("answer", answer)
            .take());
}

void Teller::outcome(const ActionOutcome& outcome, const std::string& rule) {
  JsonText text;
  text.field("phase", name_of(outcome.phase)).field("detail", clean(outcome.detail));
  if (!outcome.by_hand.empty()) text.field("by_hand", sanitize(outcome.by_hand, kByHandBytesMax));
  entry(JournalEntry::Kind::outcome, rule, outcome.intent, text.take());
}

void Teller::acted(const Order& order, const ActionOutcome& outcome, Duration verify_for) {
  const bool was_already = outcome.phase == ActionOutcome::Phase::already;
  Notice& made =
      notice(Notice::Kind::acted, false,
             (was_already ? "nothing to do, it was so already: " : "done: ") + words_of(order) +
                 ". Watching for " + format_duration(verify_for) + " whether it helped");
  out_.journal.back().intent = order.intent;
  made.rule = order.rule;
  made.intent = order.intent;
  if (!outcome.detail.empty()) made.details.push_back(clean(outcome.detail));
}

void Teller::verified(Notice::Kind kind, const Order& order, const std::string& headline,
                      const std::string& why, const std::vector<Evidence>& evidence) {
  entry(JournalEntry::Kind::verified, order.rule, order.intent,
        JsonText()
            .field("result", name_of(kind))
            .field("why", why)
            .field("evidence", evidence_texts(evidence))
            .take());
  Notice& made = notice(kind, kind != Notice::Kind::recovered, headline);
  out_.journal.back().intent = order.intent;
  made.rule = order.rule;
  made.intent = order.intent;
  made.evidence = evidence;
  made.details.push_back(why);
  for (std::string& line : lines_of(evidence)) made.details.push_back(std::move(line));
}

void Teller::judged(Outcome verdict, const std::vector<RuleStatus>& rules) {
  entry(JournalEntry::Kind::judged, "", "", judged_text(rollout_, verdict, rules));
}

void Teller::evidence_lost(const LostEvidence::Spell& spell) {
  JsonText text;
  text.field("source", spell.source)
      .field("what", spell.what)
      .field("since_ms", unix_ms(spell.since));
  if (spell.until) text.field("until_ms", unix_ms(*spell.until));
  if (!spell.reason.empty()) text.field("reason", clean(spell.reason));
  if (spell.lost > 0) text.field("lost", static_cast<std::int64_t>(spell.lost));
  entry(JournalEntry::Kind::evidence_lost, "", "", text.take());
}

void Teller::unknown_too_long(const std::vector<std::string>& rules, bool page) {
  notice(Notice::Kind::unknown_too_long, page,
         page ? "unknown for ten minutes: nobody can say whether it is healthy"
              : "quiet for ten minutes: too little comes to say whether it is healthy")
      .details = rules;
}

}  // namespace belay::rules
