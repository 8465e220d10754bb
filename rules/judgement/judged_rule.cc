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
}

void JudgedRule::judge(ServiceEvidence& evidence, Instant now) {
  const Judgement judgement = condition_.judge(evidence, now, status_.evidence);
  status_.truth = judgement.truth;
  status_.unknown = judgement.unknown;
}

void JudgedRule::go_on_from(const JudgedRule& before) {
  hold_ = before.hold_;
  status_ = before.status_;
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
