#include "monitor/api/new_rollout.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "monitor/mode_named.h"
#include "net/digest.h"
#include "rules/rollout/no_length.h"
#include "rules/rollout/steps.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongest = 24h * 30;
constexpr std::size_t kKeyBytesMax = 255;
constexpr std::size_t kStepsBytesMax = 4000;

void read_plan(Body& body, rules::RolloutStarted& started) {
  const auto lasts = body.duration("for");
  if (lasts && (*lasts < 1s || *lasts > kLongest)) body.fault("for", "from 1s to 30 days");
  started.lasts = lasts.value_or(Duration{});
  const auto steps = body.text("steps", kStepsBytesMax);
  if (!steps) return;
  if (lasts) body.fault("steps", "a rollout has steps, or one step `for` a time, not both");
  Result<std::vector<rules::RolloutStep>> parsed = rules::parse_steps(*steps);
  if (!parsed) return body.fault("steps", parsed.error().message);
  started.steps = std::move(parsed).value();
}

/// One step `for` a time is about traffic that somebody else has moved already.
bool drives_by_plan(const rules::RolloutStarted& started, const ApiParts& parts) {
  return started.lasts == Duration{} &&
         started.mode.value_or(rules::Mode::enforce) == rules::Mode::enforce && parts.drives &&
         parts.drives(started.service);
}

}  // namespace

Problem gate_begins_nothing() {
  return {
      Problem::Kind::refused,
      "a gate that judges by itself (`--standalone`) has this state: it begins nothing else and "
      "ends with its own verdict; ask again when it is over and a daemon (`belay run`) is there"};
}

rules::RolloutStarted read_new_rollout(Body& body, const ApiParts& parts) {
  rules::RolloutStarted started;
  started.service = body.require_text("service");
  started.candidate = body.require_text("candidate");
  started.baseline = body.text("baseline").value_or("");
  if (started.candidate == started.baseline && !started.candidate.empty()) {
    body.fault("baseline", "the candidate is the baseline: there is nothing to judge");
  }
  read_plan(body, started);
  started.is_irreversible = body.boolean("irreversible").value_or(false);
  started.train = body.text("train").value_or("");
  started.commit = body.text("commit").value_or("");
  started.committed_at = body.instant("committed_at");
  if (const auto mode = body.text("mode")) {
    started.mode = mode_named(*mode);
    if (!started.mode) body.fault("mode", "observe, recommend or enforce should stand here");
    if (started.mode == rules::Mode::enforce && parts.has_page && !parts.has_page()) {
      body.fault("mode", "nobody would be paged when an action fails: configure `notify: page`");
    }
  }
  started.is_driving = body.boolean("driving").value_or(drives_by_plan(started, parts));
  if (started.is_driving && parts.lacks_move && parts.lacks_move(started.service))
    body.fault("driving",
               "the platform of this service cannot move traffic: move it yourself, "
               "and leave `driving` away (`move: [./split-traffic]` of a command could)");
  const bool has_length = started.lasts > Duration{} || !started.steps.empty();
  if (!has_length && !started.is_driving && parts.lacks_steps && parts.lacks_steps(started.service))
    body.fault("for", std::string(rules::kNoLength));
  started.by = body.text("by").value_or("");
  return started;
}

std::string meaning_of(const rules::RolloutStarted& started) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", started.service,
                     started.candidate, started.baseline, started.lasts.count(),
                     rules::steps_text(started.steps), started.is_driving, started.is_irreversible,
                     started.train, started.commit,
                     started.committed_at ? unix_ms(*started.committed_at) : -1,
                     started.mode ? name_of(*started.mode) : "");
}

std::string rollout_id(const std::string& key, const std::string& meaning) {
  net::Digest bytes = net::sha256("rollout key\n" + key);
  const net::Digest of_meaning = net::sha256("rollout\n" + meaning);
  std::copy_n(of_meaning.begin(), 8, bytes.begin() + 8);
  bytes[6] = static_cast<std::uint8_t>(0x80 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  const std::string hex = net::hex_of(std::span(bytes).first(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

std::optional<std::string> key_of(const Call& call) {
  const auto key = call.request.header("idempotency-key");
  if (!key) return net::random_hex(16);
  // An empty one is a variable that was not set: each retry would be a rollout of its own.
  if (key->empty() || key->size() > kKeyBytesMax) return std::nullopt;
  return std::string(*key);
}

}  // namespace belay::monitor
