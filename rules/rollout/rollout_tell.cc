// What is told of a rollout while it goes on: the picture of it, and what is not known for too
// long.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "base/shell_quoted.h"
#include "rules/language/rule_check.h"
#include "rules/language/units.h"
#include "rules/rollout/journal_text.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// How long the rules of a rollout that is over are shown.
constexpr Duration kShownAfterwards = std::chrono::minutes{1};
/// What "now" means of the traffic, where logs alone tell it.
constexpr Duration kShareOver = std::chrono::seconds{30};

}  // namespace

void Rollout::notice_unknown(Instant now, Step& out) {
  const bool is_in_rollout = gate_ && running() != nullptr;
  if (is_in_rollout) {
    const Gate::Verdict verdict = this->verdict(now, gate_->started(), /*requests_min=*/1);
    unknown_.follow("", verdict.unknown, is_in_rollout, "the gate: " + verdict.why, now);
  }
  for (const JudgedRule& rule : service_.always) {
    if (rule.rule().severity != Severity::critical) continue;
    const RuleStatus& status = rule.status();
    const auto kind = status.truth == Truth::unknown
                          ? std::optional(status.unknown.value_or(UnknownKind::error))
                          : std::nullopt;
    unknown_.follow(status.rule, kind, is_in_rollout, status.rule + ": " + gist_of(status.evidence),
                    now);
  }
  UnknownSpells::Due due = unknown_.take_due();
  if (due.lines.empty()) return;
  for (std::string& line : service_.evidence.clock_troubles()) due.lines.push_back(std::move(line));
  teller(now, out).unknown_too_long(due.lines, due.page);
}

namespace {

std::string words_of_live(const Deployment* live, const std::vector<VersionRequests>& recent) {
  std::string words;
  const auto add = [&words](const std::string& share) {
    words += (words.empty() ? "" : ", ") + share;
  };
  if (live != nullptr)
    for (const Deployment::Share& share : live->versions)
      if (share.percent > 0) add(words_of(share));
  if (!words.empty()) return "live now: " + words;
  std::uint64_t all = 0;
  for (const VersionRequests& one : recent)
    if (!one.version.empty()) all += one.requests;
  for (const VersionRequests& one : recent)
    if (!one.version.empty() && one.requests > 0)
      add(sanitize(one.version) + " " + std::to_string(one.requests) + " of " +
          std::to_string(all));
  if (words.empty()) return "nobody says which version has the traffic now";
  return "requests of the last " + format_duration(kShareOver) + ": " + words;
}

}  // namespace

void Rollout::tell_ways_on(const RolloutStatus& status, Instant now, Step& out) const {
  const auto told =
      std::find_if(out.notices.rbegin(), out.notices.rend(), [&](const Notice& notice) {
        const bool is_end =
            notice.kind == Notice::Kind::inconclusive || notice.kind == Notice::Kind::recovered ||
            notice.kind == Notice::Kind::not_recovered || notice.kind == Notice::Kind::not_acted;
        return is_end && notice.service == service_.plan.name &&
               notice.candidate == status.candidate;
      });
  if (told == out.notices.rend()) return;
  const std::optional<Deployment>& live = traffic_.reading();
  const bool is_current = live && is_live_current(now);
  told->details.push_back(
      words_of_live(is_current ? &*live : nullptr, service_.recent_requests(kShareOver, {})));
  // What is begun again asks anew whether it is irreversible, and nobody would say so.
  if (!left_over_.empty() || status.baseline.empty() || status.is_irreversible) return;
  const auto word = [](const std::string& text) { return shell_quoted(sanitize(text)); };
  std::string words = "if " + sanitize(status.candidate) +
                      " is still live: `belay rollout start --service " + word(service_.plan.name) +
                      " --candidate " + word(status.candidate) + " --baseline " +
                      word(status.baseline) + " --for 10m` has it judged again";
  const bool can_roll_back = rolls_back(rungs_of(by_hand_.then));
  if (can_roll_back) {
    words += ", and `belay rollout rollback ID` with the id of that puts " +
             sanitize(status.baseline) + " back at once";
    if (const std::optional<std::string> refused = why_no_rollback(status, now))
      words += "; now it would be refused: " + *refused;
  }
  told->details.push_back(std::move(words));
  // Where something else was done and all is fine, or the baseline is as bad, it is right to stay.
  const bool was_refused = std::ranges::any_of(out.notices, [&status](const Notice& notice) {
    return notice.kind == Notice::Kind::not_acted && notice.candidate == status.candidate;
  });
  const bool is_right_to_stay =
      told->kind == Notice::Kind::recovered ||
      (!was_refused && book_.may_be_done(status.intents, ActionBook::Kind::any));
  if (!can_roll_back || is_right_to_stay || tells_by_hand(told->details)) return;
  if (const std::string command = by_hand(status, now); !command.empty())
    told->details.push_back(words_of_by_hand(command));
}

bool Rollout::has_firing_rule() const {
  const auto is_firing = [](const JudgedRule& rule) { return rule.is_firing(); };
  return std::any_of(service_.always.begin(), service_.always.end(), is_firing) ||
         std::any_of(watching_.begin(), watching_.end(), is_firing) ||
         (gate_ && std::any_of(gate_->rules().begin(), gate_->rules().end(), is_firing));
}

namespace {

/// Of a service of which no rollout is judged: what these say together.
void tell_verdict(const std::vector<const RuleStatus*>& rules, ServiceStatus& status) {
  status.verdict = Outcome::unknown;
  std::vector<Judgement> judgements;
  bool is_failing = false;
  for (const RuleStatus* rule : rules) {
    const RuleStatus& one = *rule;
    is_failing = is_failing || (one.firing && one.then.kind != Then::Kind::pause);
    judgements.push_back(one.firing ? Judgement{Truth::unknown, std::nullopt}
                                    : Judgement{one.truth, one.unknown});
  }
  const Judgement all = any_of(judgements);
  if (is_failing) {
    status.verdict = Outcome::fail;
  } else if (all.truth == Truth::fine) {
    status.verdict = Outcome::pass;
  } else {
    status.unknown = all.unknown;
  }
}

}  // namespace

void Rollout::tell(ServiceStatus& status, Instant now) const {
  constexpr std::size_t kPastShown = 20;
  for (const JudgedRule& rule : service_.always) status.rules.push_back(rule.status());
  if (gate_)
    for (const JudgedRule& rule : gate_->rules()) status.rules.push_back(rule.status());
  for (const JudgedRule& rule : watching_) status.rules.push_back(rule.status());
  if (!records_.empty()) {
    const RolloutRecord& newest = records_.back();
    status.rollout = newest.status();
    const bool is_shown = !gate_ && now < newest.status().ends + kShownAfterwards;
    if (!is_judged(newest.state()) && is_shown)
      status.rules.insert(status.rules.end(), newest.status().rules.begin(),
                          newest.status().rules.end());
    const std::size_t past = records_.size() - 1;
    for (std::size_t i = past > kPastShown ? past - kPastShown : 0; i < past; ++i)
      status.past.push_back(records_[i].status());
  }
  if (gate_ && running() != nullptr) {
    RolloutStatus& rollout = *status.rollout;
    const Gate::Verdict verdict =
        this->verdict(now, gate_->started(), running()->step().samples_min);
    rollout.comparison = numbers(now);
    rollout.verdict = verdict.outcome;
    rollout.unknown = verdict.unknown;
    if (rollout.state == RolloutState::baking && !passed_ && !moving_) rollout.why = verdict.why;
    if (passed_) rollout.why = *passed_;
    if (verdict.unknown == UnknownKind::error)
      for (const std::string& line : service_.evidence.clock_troubles()) rollout.why += "; " + line;
    rollout.rules.clear();
    for (const JudgedRule& rule : gate_->rules()) rollout.rules.push_back(rule.status());
    status.verdict = verdict.outcome;
    status.unknown = verdict.unknown;
  } else {
    std::vector<const RuleStatus*> judged;
    const auto add = [&judged](const JudgedRule& rule) {
      if (counts_for_verdict(rule.rule())) judged.push_back(&rule.status());
    };
    for (const JudgedRule& rule : service_.always) add(rule);
    // Of a comparison nothing is known where the baseline has gone.
    if (gate_)
      for (const JudgedRule& rule : gate_->rules())
        if (!mentions_baseline(rule.rule().sentence.when)) add(rule);
    // They only tell, but what they tell of is the promoted version.
    for (const JudgedRule& rule : watching_) judged.push_back(&rule.status());
    tell_verdict(judged, status);
  }
  log_.tell(status);
  status.deployments = deployments_;
  status.disarmed_until = book_.disarmed_until(service_.plan.name, now);
}

}  // namespace belay::rules
