#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "monitor/api/body.h"
#include "monitor/api/new_rollout.h"
#include "monitor/api/past.h"
#include "monitor/api/recorded.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "monitor/train_result.h"
#include "rules/rollout/rollout_state.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;
using Rollouts = std::vector<const rules::RolloutStatus*>;

constexpr std::size_t kServicesMax = 100;

ordered_json train_view(const std::string& name, const Rollouts& rollouts) {
  ordered_json json{{"train", name}};
  if (!rollouts.empty() && rollouts.front()->train_began)
    json["began_ms"] = unix_ms(*rollouts.front()->train_began);
  const auto result = result_of(rollouts);
  json["over"] = result.has_value();
  if (result) {
    json["result"] = name_of(result->code);
    json["exit_code"] = static_cast<int>(result->code);
    json["why"] = result->why;
  }
  json["rollouts"] = ordered_json::array();
  for (const rules::RolloutStatus* rollout : rollouts)
    json["rollouts"].push_back(rollout_view(*rollout));
  return json;
}

net::Outgoing shown(const std::string& name, const Rollouts& rollouts, int status) {
  net::Outgoing answer = answer_json(train_view(name, rollouts), status);
  if (status == 201) answer.headers.push_back({"Location", "/api/v1/trains/" + name});
  return answer;
}

net::Outgoing unknown(const Call& call) {
  return call.refuse({Problem::Kind::unknown_train,
                      "no train of this name is known; those that ended stay for a day"});
}

/// A name that needs no encoding in a path.
bool is_name(const std::string& name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

rules::TrainStarted read(Body& body, const ApiParts& parts) {
  rules::TrainStarted train;
  train.name = body.require_text("name");
  if (!is_name(train.name)) body.fault("name", "letters, digits, `-`, `_` and `.` may stand here");
  const auto on_fail = body.text("on_fail");
  if (on_fail && *on_fail != "this" && *on_fail != "all")
    body.fault("on_fail", "this or all should stand here");
  const auto by = body.text("by");
  for (Body& one : body.objects("rollouts")) {
    rules::RolloutStarted started = read_new_rollout(one, parts);
    if (const auto problem = one.problem()) body.keep(*problem);
    started.train = train.name;
    if (on_fail) started.takes_all_back = *on_fail == "all";
    if (by) started.by = *by;
    train.rollouts.push_back(std::move(started));
  }
  if (train.rollouts.empty()) body.fault("rollouts", "there is none");
  if (train.rollouts.size() > kServicesMax) body.fault("rollouts", "at most 100");
  return train;
}

/// Ids and everything else that the request does not say. Nothing if a service is not known.
std::optional<Problem> complete(const Call& call, const rules::Snapshot& snapshot,
                                const std::string& key, rules::TrainStarted& train) {
  train.at = call.context.parts.now();
  std::string meaning = train.name;
  for (rules::RolloutStarted& one : train.rollouts) {
    const rules::ServiceStatus* service = service_of(snapshot, one.service);
    if (service == nullptr) {
      return Problem{Problem::Kind::unknown_service,
                     "no service is called " + one.service,
                     {{"field", "service"}}};
    }
    one.service = service->name;
    one.at = train.at;
    one.by = doer_of(call, one.by.empty() ? std::nullopt : std::optional(one.by));
    meaning += fmt::format("\n{}\n{}", meaning_of(one), one.takes_all_back.value_or(false));
  }
  for (rules::RolloutStarted& one : train.rollouts)
    one.id = rollout_id(key, one.service + "\n" + meaning);
  return std::nullopt;
}

/// Whether an abort ended it, before which some of it may have been promoted: asked for again, it
/// is done.
bool is_aborted(const Rollouts& rollouts) {
  const auto is = [](rules::RolloutState state) {
    return [state](const auto* one) { return one->state == state; };
  };
  const auto aborted = std::ranges::count_if(rollouts, is(rules::RolloutState::aborted));
  const auto promoted = std::ranges::count_if(rollouts, is(rules::RolloutState::promoted));
  return aborted > 0 && aborted + promoted == std::ssize(rollouts);
}

/// Whether the key has begun something else before.
bool is_key_reused(const rules::Snapshot& snapshot, const rules::TrainStarted& train) {
  const auto is_other = [&](const rules::RolloutStatus& known) {
    return known.id.starts_with(train.rollouts.front().id.substr(0, kKeyBytesOfId)) &&
           std::ranges::none_of(train.rollouts,
                                [&](const auto& one) { return one.id == known.id; });
  };
  return std::ranges::any_of(snapshot.services, [&](const rules::ServiceStatus& service) {
    return (service.rollout && is_other(*service.rollout)) ||
           std::ranges::any_of(service.past, is_other);
  });
}

std::string refusal_of(const Newest& newest, std::uint64_t since, const std::string& name) {
  const std::string begin = "the train " + name + " does not begin";
  std::string why = begin;
  const auto notices = newest.notices();
  if (!notices) return why;
  for (const Newest::Noted& noted : *notices) {
    if (noted.number > since && noted.notice.headline.starts_with(begin))
      why = noted.notice.headline;
  }
  return why;
}

net::Outgoing begin(const Call& call, rules::TrainStarted train) {
  const auto notices = call.context.newest.notices();
  const std::uint64_t noticed = notices && !notices->empty() ? notices->back().number : 0;
  ordered_json pending{{"id", train.name}};
  auto when_shown =
      [&newest = call.context.newest, id = train.rollouts.front().id, name = train.name, noticed,
       request_id = call.request_id](const Seen& seen) -> std::optional<net::Outgoing> {
    if (rollout_of(seen.snapshot, id) != nullptr)
      return shown(name, train_of(seen.snapshot, name), 201);
    if (!seen.is_settled) return std::nullopt;
    return answer_of({Problem::Kind::refused, refusal_of(newest, noticed, name)}, request_id);
  };
  return change(call, std::move(train), std::move(when_shown), pending);
}

/// What is to begin, and what the journal knows of it.
struct Repeat {
  explicit Repeat(const Call& of, rules::TrainStarted started)
      : kept(of), train(std::move(started)) {}

  [[nodiscard]] JournalLookup::Question question() const {
    return JournalLookup::OfRollout{train.rollouts[asked].id};
  }
  std::variant<net::Outgoing, JournalLookup::Question> take(const Journal::OfRollout& past) {
    const Call& call = kept.call;
    if (!past.entries.empty()) {
      Result<rules::RolloutStatus> rollout = recorded_rollout(past);
      if (!rollout) return call.refuse({Problem::Kind::internal, rollout.error().message});
      known.push_back(std::move(rollout).value());
    }
    if (++asked < train.rollouts.size()) return question();
    if (known.empty()) return begin(call, train);
    Rollouts rollouts;
    for (const rules::RolloutStatus& rollout : known) rollouts.push_back(&rollout);
    return shown(train.name, rollouts, 200);
  }

  KeptCall kept;
  rules::TrainStarted train;
  std::size_t asked = 0;
  std::vector<rules::RolloutStatus> known;
};

/// The engine forgets what is long over; the journal does not, and nothing begins twice.
net::Outgoing begin_unless_recorded(const Call& call, rules::TrainStarted train) {
  auto repeat = std::make_shared<Repeat>(call, std::move(train));
  return look_into_past(call, repeat->question(), [repeat](const JournalLookup::Found& found) {
    return repeat->take(std::get<Journal::OfRollout>(found));
  });
}

}  // namespace

net::Outgoing start_train(const Call& call) {
  if (!call.context.parts.begins_rollouts) return call.refuse(gate_begins_nothing());
  Body body(call.request);
  rules::TrainStarted train = read(body, call.context.parts);
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const std::optional<std::string> key = key_of(call);
  if (!key) {
    return call.refuse({Problem::Kind::bad_request, "an Idempotency-Key has 1 to 255 bytes"});
  }
  const auto published = call.context.newest.published();
  const rules::Snapshot& snapshot = published->snapshot;
  if (const auto problem = complete(call, snapshot, *key, train)) return call.refuse(*problem);
  if (is_key_reused(snapshot, train)) {
    return call.refuse({Problem::Kind::key_reused, "it began something else"});
  }
  if (rollout_of(snapshot, train.rollouts.front().id) != nullptr)
    return shown(train.name, train_of(snapshot, train.name), 200);
  return may_be_recorded(call) ? begin_unless_recorded(call, std::move(train))
                               : begin(call, std::move(train));
}

net::Outgoing show_train(const Call& call) {
  const auto published = call.context.newest.published();
  const Rollouts rollouts = train_of(published->snapshot, call.path.front());
  return rollouts.empty() ? unknown(call) : shown(call.path.front(), rollouts, 200);
}

net::Outgoing abort_train(const Call& call) {
  const std::string& name = call.path.front();
  const auto published = call.context.newest.published();
  const Rollouts rollouts = train_of(published->snapshot, name);
  if (rollouts.empty()) return unknown(call);
  Body body(call.request);
  const auto by = body.text("by");
  const auto reason = body.text("reason");
  if (const auto problem = body.problem()) return call.refuse(*problem);
  const auto judged = [](const Rollouts& train) {
    return std::ranges::any_of(train, [](const auto* one) { return is_judged(one->state); });
  };
  if (!judged(rollouts)) {
    if (is_aborted(rollouts)) return shown(name, rollouts, 200);
    return call.refuse({Problem::Kind::rollout_ended,
                        "none of its rollouts is judged any more; `belay disarm` stops actions"});
  }
  rules::OperatorCommand event{.kind = rules::OperatorCommand::Kind::abort,
                               .at = call.context.parts.now(),
                               .rollout = "",
                               .by = doer_of(call, by),
                               .reason = reason.value_or(""),
                               .train = name};
  auto when_shown = [name, judged, request_id = call.request_id](
                        const Seen& seen) -> std::optional<net::Outgoing> {
    const Rollouts now = train_of(seen.snapshot, name);
    if (!judged(now)) return shown(name, now, 200);
    if (!seen.is_settled) return std::nullopt;
    return answer_of({Problem::Kind::refused, "some of it is still judged"}, request_id);
  };
  return change(call, std::move(event), std::move(when_shown), {{"id", name}});
}

}  // namespace belay::monitor
