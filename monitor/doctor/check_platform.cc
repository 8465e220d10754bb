#include "monitor/doctor/check_platform.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/sanitize.h"
#include "monitor/find_program.h"
#include "monitor/platform/cloudflare_token.h"
#include "monitor/preflight_answers.h"

namespace belay::monitor {
namespace {

using Level = Finding::Level;

constexpr Duration kExpirySoon = std::chrono::hours{24 * 14};

Level level_of(const Error& error) {
  switch (error.kind) {
    case Error::Kind::failed:
    case Error::Kind::invalid:
    case Error::Kind::not_found:
    case Error::Kind::conflict:
      return Level::bad;
    default:
      return Level::unknown;
  }
}

Level level_of(rules::Truth truth) {
  switch (truth) {
    case rules::Truth::fine:
      return Level::fine;
    case rules::Truth::bad:
      return Level::bad;
    case rules::Truth::unknown:
      return Level::unknown;
  }
  return Level::unknown;
}

void check_rights(const TokenFacts& facts, Findings& found) {
  if (!facts.rights) {
    found.push_back({Level::note, "", "token",
                     "what it may do cannot be read with it; acting needs Workers Scripts Write, "
                     "tails Workers Tail Read"});
    return;
  }
  const auto may = [&facts](std::string_view right) {
    return std::ranges::find(*facts.rights, right) != facts.rights->end();
  };
  if (!may("Workers Scripts Write")) {
    found.push_back({Level::bad, "", "token",
                     fmt::format("lacks Workers Scripts Write, so nothing can be rolled back; it "
                                 "has {}",
                                 fmt::join(*facts.rights, ", "))});
  } else {
    found.push_back({Level::fine, "", "token", "may deploy (Workers Scripts Write)"});
  }
  if (!may("Workers Tail Read")) {
    found.push_back({Level::note, "", "token", "lacks Workers Tail Read: no tail can be read"});
  }
}

std::string shown(const std::vector<rules::Deployment::Share>& shares) {
  std::vector<std::string> texts;
  for (const auto& share : shares) {
    texts.push_back(fmt::format("{} at {:g}%", sanitize(share.version, 80), share.percent));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// The version that a rollback would go to, asked for as preflight will.
void check_target(const std::string& service, Platform& platform, const rules::Deployment& live,
                  Findings& found) {
  rules::PreflightAsked asked{.service = service};
  asked.baseline = live.versions.front().version;
  // While a rollout is under way the smaller share is the candidate; before one, any newer version.
  asked.candidate = live.versions.back().version;
  if (asked.candidate != asked.baseline) {
    for (const PreflightAnswer& answer : answers_of(platform, asked, {})) {
      const std::string what = answer.name == "rollback target" ? asked.baseline : asked.candidate;
      found.push_back({level_of(answer.result), service, answer.name,
                       answer.detail.empty() ? sanitize(what, 80) : answer.detail});
    }
    return;
  }
  const auto facts = platform.version(asked.baseline, {});
  if (!facts.ok()) {
    found.push_back({level_of(facts.error()), service, "rollback target",
                     sanitize(facts.error().message, 300)});
  } else if (*facts) {
    const bool fine = (*facts)->exists && (*facts)->is_deployable;
    found.push_back({fine ? Level::fine : Level::bad, service, "rollback target",
                     sanitize(asked.baseline, 80) +
                         (fine ? ", what is live now, can be put back after the next deployment"
                               : " is live and cannot be deployed again")});
  }
}

}  // namespace

Findings check_token(const Config& config, Instant now) {
  Findings found;
  if (!config.cloudflare) return found;
  const CloudflareAccount& account = *config.cloudflare;
  const Result<TokenFacts> facts = token_facts(account.api, account.account, account.token);
  if (!facts.ok()) {
    found.push_back({level_of(facts.error()), "", "token", sanitize(facts.error().message, 300)});
    return found;
  }
  if (facts->status != "active") {
    found.push_back({Level::bad, "", "token", "Cloudflare calls it " + facts->status});
    return found;
  }
  found.push_back({Level::fine, "", "token", "is active"});
  if (facts->expires && *facts->expires - now < kExpirySoon) {
    found.push_back({Level::weak, "", "token", "expires at " + format_utc(*facts->expires)});
  }
  check_rights(*facts, found);
  return found;
}

Findings check_platforms(const Config& config, const Platforms& platforms, Live& live) {
  Findings found;
  for (const ServiceConfig& service : config.services) {
    Platform* platform = platforms.of_service(service.name);
    if (platform == nullptr) {
      found.push_back(
          {Level::note, service.name, "platform",
           "none is configured: nothing rolls it back, and nothing shows what is live"});
      continue;
    }
    Result<rules::Deployment> read = platform->live({});
    if (!read.ok()) {
      found.push_back({level_of(read.error()), service.name, "deployment",
                       sanitize(read.error().message, 300)});
      continue;
    }
    if (read->versions.empty()) {
      found.push_back({Level::note, service.name, "deployment",
                       "the platform cannot tell what is live: name baselines yourself"});
      continue;
    }
    found.push_back({Level::fine, service.name, "deployment", shown(read->versions)});
    check_target(service.name, *platform, *read, found);
    live[service.name] = std::move(*read);
  }
  return found;
}

Findings check_version_names(const std::string& service, const rules::Deployment& live,
                             const std::vector<std::string>& seen) {
  Findings found;
  if (seen.empty()) return found;
  const auto is_live = [&live](const std::string& version) {
    return std::ranges::any_of(live.versions, [&version](const auto& share) {
      return share.version == version && share.percent > 0;
    });
  };
  std::vector<std::string> strange;
  for (const std::string& version : seen) {
    if (!is_live(version)) strange.push_back(sanitize(version, 80));
  }
  const bool any_known = strange.size() < seen.size();
  if (strange.empty()) {
    found.push_back({Level::fine, service, "versions",
                     fmt::format("the logs name {} as the platform does", fmt::join(seen, ", "))});
  } else {
    found.push_back({any_known ? Level::weak : Level::bad, service, "versions",
                     fmt::format("the logs name {}, which is not live: the platform has {}",
                                 fmt::join(strange, ", "), shown(live.versions))});
  }
  return found;
}

namespace {

void check_program(const std::string& service, const std::string& about,
                   const CommandAction& command, Findings& found) {
  for (const auto* argv : {&command.argv, &command.verify, &command.move}) {
    if (argv->empty()) continue;
    const std::string& program = argv->front();
    const bool is_there = find_program(program).has_value();
    found.push_back(
        {is_there ? Level::fine : Level::bad, service, about,
         sanitize(program, 200) + (is_there ? " can be run" : " is not there, or cannot be run")});
  }
}

/// What it cannot tell now it cannot tell when it matters, and then nothing is run. `is_nobodys`:
/// what the order asks for holds nowhere.
void check_verify(const rules::Order& order, bool is_nobodys, const std::string& about,
                  const CommandAction& command, const Platforms& platforms, Findings& found) {
  Platform* platform = platforms.find(order);
  if (platform == nullptr || command.verify.empty()) return;
  if (!find_program(command.verify.front())) return;  // That has been said.
  const Result<Standing> standing = platform->read(order, {});
  if (standing.ok() && is_nobodys && standing->kind == Standing::Kind::target) {
    found.push_back({Level::bad, order.service, about,
                     sanitize(standing->detail, 300) +
                         " for a version that nobody has: whatever is to be put back would be "
                         "taken for live already, and nothing would be run"});
    return;
  }
  if (standing.ok()) {
    found.push_back({Level::fine, order.service, about, sanitize(standing->detail, 300)});
    return;
  }
  found.push_back({Level::bad, order.service, about,
                   sanitize(standing.error().message, 300) +
                       ": neither 0 (it holds) nor 1 (it does not), so nothing would be run"});
}

void check_verify_of_rollback(const std::string& service, const CommandAction& command,
                              const Platforms& platforms, Findings& found) {
  const std::string nobodys = "belay-doctor";
  const rules::Order order{.intent = nobodys,
                           .service = service,
                           .action = rules::RollBack{.target = nobodys, .expected = nobodys},
                           .candidate = nobodys,
                           .baseline = nobodys};
  check_verify(order, true, "platform", command, platforms, found);
}

void check_flag(const Named<FlagConfig>& flag, const Platforms& platforms, Findings& found) {
  const rules::Order order{.service = flag.service, .action = rules::ResetFlag{flag.name}};
  Platform* platform = platforms.find(order);
  if (platform == nullptr) return;
  const std::string about = "flag " + flag.name;
  const Result<Standing> standing = platform->read(order, {});
  if (!standing.ok()) {
    found.push_back(
        {level_of(standing.error()), flag.service, about, sanitize(standing.error().message, 300)});
    return;
  }
  switch (standing->kind) {
    case Standing::Kind::expected:
      found.push_back({Level::fine, flag.service, about, "holds what is expected of it"});
      return;
    case Standing::Kind::ours:
    case Standing::Kind::target:
      found.push_back({Level::note, flag.service, about, "is at its safe value already"});
      return;
    case Standing::Kind::other:
      found.push_back(
          {Level::weak, flag.service, about,
           "holds something else, and would be left alone: " + sanitize(standing->detail, 200)});
      return;
  }
}

}  // namespace

Findings check_actions(const Config& config, const Platforms& platforms) {
  Findings found;
  for (const ServiceConfig& service : config.services) {
    if (const auto* command = std::get_if<CommandAction>(&service.platform)) {
      check_program(service.name, "platform", *command, found);
      check_verify_of_rollback(service.name, *command, platforms, found);
    }
    if (const auto* fly = std::get_if<FlyApp>(&service.platform); fly && fly->rollback) {
      check_program(service.name, "platform", *fly->rollback, found);
      check_verify_of_rollback(service.name, *fly->rollback, platforms, found);
    }
    for (const PreflightCheck& check : service.preflight) {
      const auto* command = std::get_if<CommandAction>(&check.of);
      if (command != nullptr) check_program(service.name, "check " + check.name, *command, found);
    }
  }
  for (const auto& command : config.commands) {
    const std::string about = "command " + command.name;
    check_program(command.service, about, command.of, found);
    check_verify({.intent = "belay-doctor",
                  .service = command.service,
                  .action = rules::RunCommand{command.name}},
                 false, about, command.of, platforms, found);
  }
  for (const auto& flag : config.flags) check_flag(flag, platforms, found);
  return found;
}

}  // namespace belay::monitor
