#include "monitor/parts.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/check.h"
#include "exporters/audit.h"
#include "exporters/slack.h"
#include "monitor/platform/cloudflare.h"
#include "monitor/platform/command.h"
#include "monitor/platform/redis_flag.h"
#include "monitor/probe_request.h"
#include "monitor/sources/bullmq.h"
#include "monitor/sources/exec_source.h"
#include "monitor/sources/file_source.h"
#include "monitor/sources/platform_source.h"
#include "monitor/sources/probe.h"
#include "monitor/sources/push_source.h"
#include "monitor/sources/stdin_source.h"
#include "monitor/version.h"

namespace belay::monitor {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::chrono::milliseconds milliseconds_of(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

std::unique_ptr<Source> make_log(const LogConfig& log, rules::SourceId id,
                                 const std::string& name) {
  const LogParserOptions parser{
      .format = log.format, .source = id, .source_name = name, .latency_field = log.latency_field};
  if (const auto* file = std::get_if<FileInput>(&log.input)) {
    return std::make_unique<FileSource>(FileSourceOptions{
        .path = file->path, .from_beginning = file->from_beginning, .parser = parser});
  }
  if (const auto* exec = std::get_if<ExecInput>(&log.input)) {
    return std::make_unique<ExecSource>(ExecSourceOptions{.argv = exec->argv, .parser = parser});
  }
  if (std::holds_alternative<StdinInput>(log.input)) return std::make_unique<StdinSource>(parser);
  return std::make_unique<PushSource>(parser);
}

std::unique_ptr<Source> make_probe(const ProbeConfig& probe, rules::SourceId id,
                                   const std::string& service, const GateVersions& gates) {
  ProbeOptions options;
  options.source = id;
  options.request = request_of(probe);
  options.every = probe.every;
  options.expectation = expectation_of(probe);
  options.version_path = probe.version_path;
  if (!probe.version_headers.empty()) {
    options.version_headers = headers_of(probe.version_headers);
    options.versions = [&gates, service] { return gates.of(service); };
  }
  return std::make_unique<ProbeSource>(std::move(options));
}

std::unique_ptr<Source> make_queues(const QueuesConfig& queues, rules::SourceId id) {
  return std::make_unique<BullmqSource>(BullmqOptions{.source = id,
                                                      .url = queues.url,
                                                      .prefix = queues.prefix,
                                                      .names = queues.names,
                                                      .every = queues.every});
}

std::unique_ptr<Platform> make_command(const CommandAction& command) {
  return std::make_unique<CommandPlatform>(
      CommandOptions{.environment = command.env,
                     .argv = command.argv,
                     .written = command.argv_written,
                     .verify = command.verify,
                     .move = command.move,
                     .move_written = command.move_written,
                     .timeout = milliseconds_of(command.timeout)});
}

exporters::Outbox::Complain complain_about(const char* route) {
  return [route](const std::string& line) { spdlog::warn("{}: {}", route, line); };
}

std::vector<std::unique_ptr<exporters::Route>> make_routes(
    const std::vector<SlackRoute>& routes, const std::string& name,
    const exporters::CommandsByService& commands, exporters::Notifications& counts,
    exporters::Spool& spool) {
  std::vector<std::unique_ptr<exporters::Route>> sinks;
  for (const SlackRoute& route : routes) {
    const std::string unique = sinks.empty() ? name : fmt::format("{}-{}", name, sinks.size() + 1);
    sinks.push_back(std::make_unique<exporters::Slack>(
        exporters::Slack::Options{.webhook = route.webhook,
                                  .commands = commands,
                                  .keeping = {.spool = &spool, .route = unique}},
        counts.of(unique), complain_about("slack")));
  }
  return sinks;
}

/// The routes of `page` that are not in `tell`, which hears every page as well: a channel that is
/// named twice is told once.
std::vector<SlackRoute> pages_only(const Config& config) {
  std::vector<SlackRoute> routes;
  for (const SlackRoute& page : config.page) {
    const bool hears_all = std::ranges::any_of(config.tell, [&](const SlackRoute& tell) {
      return tell.webhook.reveal() == page.webhook.reveal();
    });
    if (!hears_all) routes.push_back(page);
  }
  return routes;
}

}  // namespace

std::unique_ptr<Source> make_source(const SourceConfig& source, const rules::SourcePlan& plan,
                                    rules::SourceId id, const SourceContext& context) {
  if (const auto* log = std::get_if<LogConfig>(&source.of)) {
    const bool is_shared = source.service.empty();
    return make_log(*log, id, (is_shared ? "" : source.service + "/") + source.name);
  }
  if (const auto* probe = std::get_if<ProbeConfig>(&source.of)) {
    return make_probe(*probe, id, source.service, context.gates);
  }
  if (std::holds_alternative<PlatformWatch>(source.of)) {
    Platform* platform = context.platforms.of_service(source.service);
    BELAY_CHECK(platform != nullptr, "a service whose platform is watched has one");
    return std::make_unique<PlatformSource>(PlatformSourceOptions{.source = id,
                                                                  .service = source.service,
                                                                  .platform = *platform,
                                                                  .calls = context.platform_calls,
                                                                  .every = plan.interval});
  }
  return make_queues(std::get<QueuesConfig>(source.of), id);
}

void add_platforms(const Config& config, Platforms& platforms) {
  for (const ServiceConfig& service : config.services) {
    if (const auto* worker = std::get_if<CloudflareScript>(&service.platform)) {
      platforms.add_rollback(service.name, std::make_unique<Cloudflare>(CloudflareOptions{
                                               .account = config.cloudflare->account,
                                               .script = worker->script,
                                               .token = config.cloudflare->token,
                                               .force = config.cloudflare->force,
                                               .base_url = config.cloudflare->api}));
    }
    if (const auto* command = std::get_if<CommandAction>(&service.platform)) {
      platforms.add_rollback(service.name, make_command(*command));
    }
    const auto* fly = std::get_if<FlyApp>(&service.platform);
    if (fly != nullptr && fly->rollback) {
      platforms.add_rollback(service.name, make_command(*fly->rollback));
    }
  }
  for (const auto& [service, name, flag] : config.flags) {
    platforms.add_flag(service, name,
                       std::make_unique<RedisFlag>(RedisFlagOptions{.url = flag.url,
                                                                    .key = flag.key,
                                                                    .field = flag.field,
                                                                    .expected = flag.expect,
                                                                    .safe = flag.safe,
                                                                    .channel = flag.channel}));
  }
  for (const auto& [service, name, command] : config.commands) {
    platforms.add_command(service, name, make_command(command));
  }
}

std::unique_ptr<exporters::Routes> make_notify(const Config& config,
                                               exporters::Notifications& notifications,
                                               exporters::Spool& spool) {
  const exporters::CommandsByService commands = commands_of(config);
  auto tell = make_routes(config.tell, "slack", commands, notifications, spool);
  if (!config.audit.empty()) {
    tell.push_back(std::make_unique<exporters::Audit>(config.audit, notifications.of("audit"),
                                                      complain_about("audit")));
  }
  return std::make_unique<exporters::Routes>(
      std::move(tell),
      make_routes(pages_only(config), "slack-page", commands, notifications, spool));
}

exporters::CommandsByService commands_of(const Config& config) {
  exporters::CommandsByService commands;
  for (const ServiceConfig& service : config.services) {
    if (const auto* worker = std::get_if<CloudflareScript>(&service.platform)) {
      commands[service.name] = {
          // Without `-y` it asks for the shares: a canary must not come back with all traffic.
          .undo = fmt::format("wrangler versions deploy {{candidate}} {{baseline}} --name {}",
                              worker->script),
          .logs = fmt::format("wrangler tail {}[ --version-id {{candidate}}]", worker->script)};
    }
    // How to undo a rollback there only the service's own command knows.
    if (const auto* fly = std::get_if<FlyApp>(&service.platform)) {
      commands[service.name] = {.undo = "", .logs = fmt::format("fly logs -a {}", fly->app)};
    }
  }
  return commands;
}

std::unique_ptr<Told> make_sinks(const Config& config, const Clock& clock) {
  auto told = std::make_unique<Told>();
  told->prometheus = std::make_unique<exporters::Prometheus>(kVersion, told->own);
  told->spool = std::make_unique<exporters::Spool>(
      config.state / "outbox", [&clock] { return clock.now(); }, complain_about("outbox"));
  told->routes = make_notify(config, told->own.notifications, *told->spool);
  // As old as nothing that waits in a route can be.
  told->spool->forget_left(exporters::Slack::Options{}.limits.give_up_after);
  return told;
}

std::shared_ptr<const Ingest> make_ingest(const Config& config, std::vector<Ingest::Target> targets,
                                          exporters::IngestPosts& posts) {
  std::vector<net::HashedToken> tokens;
  if (!config.ingest->token.empty()) tokens.emplace_back(config.ingest->token.reveal());
  for (const TokenConfig& token : config.tokens) {
    const bool may_push = std::ranges::find(token.scopes, Scope::ingest) != token.scopes.end();
    if (may_push) tokens.emplace_back(token.token.reveal());
  }
  return std::make_shared<const Ingest>(std::move(tokens), std::move(targets), posts);
}

}  // namespace belay::monitor
