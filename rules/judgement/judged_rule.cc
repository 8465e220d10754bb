#include "rules/judgement/judged_rule.h"

namespace belay::rules {

JudgedRule::JudgedRule(const Rule& rule, const std::string& service, const Binding& binding,
                       ServiceEvidence& evidence, Instant now)
    : rule_(&rule),
      since_(binding.since),
      condition_(rule.sentence, binding, evidence, now),
      hold_(rule.sentence.hold_for, rule.sentence.hold_within) {
  status_.service = service;
  status_.rule = rule.name;
  status_.sentence = rule.sentence.text;
  status_.then = rule.then;
  status_.severity = rule.severity;
  status_.evidence = condition_.blank_evidence();
  notes_.resize(status_.evidence.size());
}

void JudgedRule::note(std::size_t comparison, const std::string& text) {
  std::string& said = status_.evidence[comparison].note;
  if (text.empty()) {
    said.clear();  // With what was judged last, until the next time.
  } else {
    said = text + (said.empty() ? "" : "; " + said);
  }
  notes_[comparison] = text;
}

void JudgedRule::judge(ServiceEvidence& evidence, Instant now) {
  for (Evidence& one : status_.evidence) one.note.clear();
  const Judgement judgement = condition_.judge(evidence, now, status_.evidence);
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    std::string& said = status_.evidence[i].note;
    if (!notes_[i].empty()) said = notes_[i] + (said.empty() ? "" : "; " + said);
  }
  status_.truth = judgement.truth;
  status_.unknown = judgement.unknown;
}

void JudgedRule::go_on_from(const JudgedRule& before) {
  hold_ = before.hold_;
  status_ = before.status_;
  notes_ = before.notes_;
}

void JudgedRule::copy_hold() {
  status_.firing = hold_.is_firing();
  status_.bad_since = hold_.bad_since();
  status_.firing_since = hold_.firing_since();
}

Hold::Change JudgedRule::check(ServiceEvidence& evidence, Instant now) {
  judge(evidence, now);
  const Hold::Change change = hold_.check(now, status_.truth);
  copy_hold();
  return change;
}

Hold::Change JudgedRule::glance(ServiceEvidence& evidence, Instant now) {
  if (!hold_.fires_at_once()) return Hold::Change::none;
  judge(evidence, now);
  const Hold::Change change = hold_.glance(now, status_.truth);
  copy_hold();
  return change;
}

}  // namespace belay::rules
