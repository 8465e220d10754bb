#include "tests/rules/rollout/train_world.h"

#include <algorithm>
#include <utility>

namespace belay::rules {
namespace {

Plan plan_of(const TrainWorld::Settings& settings) {
  Plan plan;
  plan.sources = {{.name = "tail", .kind = SourceKind::log}};
  if (settings.has_platform)
    plan.sources.push_back(
        {.name = "platform", .kind = SourceKind::platform, .service = "gateway", .interval = 10s});
  const std::map<std::string, std::vector<std::string>> after = {
      {"orders", {"gateway"}}, {"journeys", {"gateway", "orders"}}};
  for (const std::string& name : TrainWorld::services()) {
    ServicePlan service;
    service.name = name;
    service.mode = Mode::enforce;
    service.rollout_rules = {
        make_rule("errors", "error rate > 5% over 5s, min 20 requests, for 2s", "rollback")};
    service.rules = {
        make_rule("always", "error rate > 50% over 5s, min 20 requests, for 2s", "rollback")};
    service.on_fail = {Then{.kind = Then::Kind::rollback}};
    service.verify_for = 20s;
    service.rollout.takes_all_back = settings.takes_all_back;
    service.rollout.watch_for = settings.watch_for;
    if (const auto found = after.find(name); found != after.end()) service.after = found->second;
    if (const auto found = settings.guards.find(name); found != settings.guards.end())
      service.guards = found->second;
    plan.services.push_back(std::move(service));
  }
  return plan;
}

/// The text of one field of an entry.
std::string text_in(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const std::size_t from = json.find(key);
  if (from == std::string::npos) return {};
  const std::size_t begin = from + key.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

/// How rules stood before a rollout, without the numbers of the bad ones.
std::vector<RuleBefore> before_in(const std::string& entry) {
  std::vector<RuleBefore> before;
  const std::string first = "{\"rule\":";
  for (std::size_t at = entry.find("\"before\":["); (at = entry.find(first, at)) < entry.size();
       ++at) {
    const std::string one = entry.substr(at, entry.find("\"values\"", at) - at);
    RuleBefore& rule = before.emplace_back();
    rule.rule = text_in(one, "rule");
    rule.sentence = text_in(one, "sentence");
    if (text_in(one, "truth") == "fine") rule.truth = Truth::fine;
  }
  return before;
}

}  // namespace

TrainWorld::TrainWorld(Settings settings) : plan(plan_of(settings)), rig(plan) {
  for (const std::string& service : services()) live[service] = 0;
  is_driving_ = settings.is_driving;
  run(12s);
}

const std::vector<std::string>& TrainWorld::services() {
  static const std::vector<std::string> kServices = {"gateway", "journeys", "orders"};
  return kServices;
}

RolloutStarted TrainWorld::asked(const std::string& service, const std::string& train) const {
  std::string id = "11111111-1111-4111-8111-" + service + train;
  id.resize(36, '0');
  return {.at = rig.now(),
          .service = service,
          .candidate = "v2",
          .baseline = "v1",
          .id = id,
          .steps = *parse_steps("50% for 8s max 60s, 100%"),
          .is_driving = is_driving_,
          .train = train};
}

void TrainWorld::begin(const std::string& train) {
  TrainStarted started{.at = rig.now(), .name = train, .rollouts = {}};
  for (const std::string& service : services()) started.rollouts.push_back(asked(service, train));
  rig.push(started);
  run(1s);
}

void TrainWorld::carry_out(const Order& order) {
  if (!done_.insert(order.intent).second) return;
  if (const auto* move = std::get_if<MoveTraffic>(&order.action))
    live[order.service] = move->percent;
  if (!std::holds_alternative<RollBack>(order.action)) return;
  live[order.service] = 0;
  rollbacks.push_back(order.service);
}

void TrainWorld::serve() {
  for (const std::string& service : services()) {
    const double percent = deployed.contains(service) ? 0 : live[service];
    const std::uint16_t status = bad.contains(service) ? 500 : 200;
    const std::uint16_t of_all = service == "gateway" ? gateway_status : 200;
    const int rate = quiet.contains(service) ? 0 : 20;
    rig.stream(service + "1", percent < 100 ? rate : 0,
               {.service = service, .version = "v1", .status = of_all});
    rig.stream(service + "2", percent > 0 ? rate : 0,
               {.service = service, .version = "v2", .status = std::max(status, of_all)});
    if (unread.contains(service)) continue;
    Deployment deployment{.service = service, .at = rig.now(), .id = "d", .versions = {}};
    if (deployed.contains(service)) {
      deployment.versions = {{deployed[service], 100}};
    } else {
      if (percent > 0) deployment.versions.push_back({"v2", percent});
      if (percent < 100) deployment.versions.push_back({"v1", 100 - percent});
    }
    rig.push(deployment);
  }
}

void TrainWorld::keep_journal() {
  for (; seen_entries_ < rig.journal.size(); ++seen_entries_) {
    const JournalEntry& entry = rig.journal[seen_entries_];
    if (entry.kind == JournalEntry::Kind::rollout_moved ||
        entry.kind == JournalEntry::Kind::rollout_ended) {
      rules_[text_in(entry.text, "rollout")] = text_in(entry.text, "rule");
      const bool is_paused = entry.text.find("\"paused\":true") != std::string::npos;
      paused_[text_in(entry.text, "rollout")] = is_paused;
      before_[text_in(entry.text, "rollout")] = before_in(entry.text);
    }
    if (entry.kind == JournalEntry::Kind::outcome) recorded_.insert(entry.intent);
  }
  for (; seen_notices_ < rig.notices.size(); ++seen_notices_)
    notices.push_back(rig.notices[seen_notices_]);
}

void TrainWorld::run(Duration span) {
  for (Duration passed{}; passed < span; passed += 1s) {
    serve();
    rig.run(1s);
    for (; seen_orders_ < rig.orders.size(); ++seen_orders_)
      orders_.push_back(rig.orders[seen_orders_]);
    keep_journal();
    if (!answers) continue;
    for (const Order& order : orders_) {
      if (phases_.contains(order.intent)) continue;
      const bool is_foreign = deployed.contains(order.service);
      if (!is_foreign) carry_out(order);
      const auto phase =
          is_foreign ? ActionOutcome::Phase::superseded : ActionOutcome::Phase::applied;
      phases_[order.intent] = phase;
      rig.push(ActionOutcome{.at = rig.now(), .intent = order.intent, .phase = phase});
    }
  }
}

bool TrainWorld::run_until(const std::string& service, RolloutState state) {
  for (int i = 0; i < 120 && status(service).state != state; ++i) run(1s);
  return status(service).state == state;
}

void TrainWorld::run_out() {
  for (int i = 0; i < 30; ++i) {
    run(10s);
    const std::string before = states();
    const bool is_over = std::all_of(services().begin(), services().end(),
                                     [&](const auto& one) { return is_final(status(one).state); });
    if (!is_over) continue;
    run(5s);
    if (states() == before) return;
  }
}

Remembered TrainWorld::remembered(Duration back) const {
  Remembered remembered;
  for (const Order& order : orders_) {
    const bool is_recorded = recorded_.contains(order.intent);
    const auto* rollback = std::get_if<RollBack>(&order.action);
    if (rollback == nullptr && is_recorded) continue;
    Remembered::Action action{
        .at = order.at - back, .service = order.service, .intent = order.intent};
    if (rollback != nullptr) action.target = rollback->target;
    if (rollback != nullptr) action.expected = rollback->expected;
    action.is_open = !is_recorded;
    if (action.is_open) {
      action.order = order;
      action.order->at -= back;
    } else {
      action.phase = phases_.at(order.intent);
    }
    remembered.actions.push_back(action);
  }
  for (const std::string& service : services()) {
    const std::optional<RolloutStatus> known = rig.service(service).rollout;
    if (!known) continue;
    const RolloutStatus& status = *known;
    RememberedRollout rollout;
    rollout.started = asked(service, status.train);
    rollout.started.id = status.id;
    rollout.started.at = status.started - back;
    rollout.started.after = status.after;
    rollout.started.takes_all_back = status.takes_all_back;
    if (status.train_began) rollout.started.train_began = *status.train_began - back;
    rollout.started.mode = status.mode;
    rollout.at = status.ended.value_or(rig.now()) - back;
    rollout.state = status.state;
    rollout.held = status.held;
    rollout.step = status.step;
    if (status.step_started != Instant{}) rollout.step_started = status.step_started - back;
    rollout.verdict = status.verdict;
    rollout.why = status.why;
    if (const auto rule = rules_.find(status.id); rule != rules_.end()) rollout.rule = rule->second;
    if (const auto paused = paused_.find(status.id); paused != paused_.end())
      rollout.is_paused = paused->second;
    if (const auto before = before_.find(status.id); before != before_.end())
      rollout.before = before->second;
    rollout.intents = status.intents;
    remembered.rollouts.push_back(rollout);
  }
  return remembered;
}

void TrainWorld::restart() {
  const Duration back = rig.elapsed();
  Remembered kept = remembered(back);
  for (Order& order : orders_) {
    order.at -= back;
    // What was answered and not recorded is found out, and answered, again.
    if (!recorded_.contains(order.intent)) phases_.erase(order.intent);
  }
  rig = EngineRig(plan, std::move(kept));
  seen_orders_ = seen_entries_ = seen_notices_ = 0;
}

RolloutStatus TrainWorld::status(const std::string& service) const {
  return *rig.service(service).rollout;
}

std::string TrainWorld::states() const {
  std::string states;
  for (const std::string& service : services())
    states += service + " " + std::string(name_of(status(service).state)) + "; ";
  return states;
}

std::string TrainWorld::states_of(const std::string& service) const {
  std::string states;
  for (const RolloutStatus::Moment& moment : status(service).timeline)
    states += std::string(name_of(moment.state)) + ": " + moment.what + "\n";
  return states;
}

std::vector<std::string> TrainWorld::headlines(const std::string& part) const {
  std::vector<std::string> found;
  for (const Notice& notice : notices)
    if (notice.headline.find(part) != std::string::npos) found.push_back(notice.headline);
  return found;
}

}  // namespace belay::rules
