#include <algorithm>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/sanitize.h"
#include "base/time.h"
#include "exporters/json.h"
#include "exporters/json_fields.h"
#include "monitor/commands/api_client.h"
#include "monitor/commands/exit_code.h"
#include "monitor/commands/options.h"
#include "monitor/commands/verbs.h"
#include "net/percent_coding.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kPageMax = 500;

struct HistoryArguments {
  ApiArguments api;
  std::string service;
  std::string since;
  std::uint64_t limit = 50;
  OutputFormat output = OutputFormat::text;
};

std::string query_of(const HistoryArguments& arguments, std::uint64_t limit,
                     const std::string& cursor) {
  std::string query = fmt::format("?limit={}", std::min(limit, kPageMax));
  if (!arguments.service.empty()) query += "&service=" + net::percent_encoded(arguments.service);
  if (!arguments.since.empty()) query += "&since=" + net::percent_encoded(arguments.since);
  if (!cursor.empty()) query += "&cursor=" + net::percent_encoded(cursor);
  return query;
}

std::string field(const ordered_json& entry, const char* name) {
  const auto found = entry.find(name);
  return found != entry.end() && found->is_string() ? sanitize(found->get<std::string>(), 300) : "";
}

/// Of a notice what it is about: "not_acted".
std::string kind_of(const ordered_json& entry) {
  const auto own = entry.find("entry");
  const std::string kind = field(entry, "kind");
  if (kind != "notice" || own == entry.end() || !own->is_object()) return kind;
  return field(*own, "kind");
}

std::string line_of(const ordered_json& entry, const Style& style) {
  const auto at_ms = entry.find("at_ms");
  const bool has_time = at_ms != entry.end() && at_ms->is_number_integer();
  const Instant at = from_unix_ms(has_time ? at_ms->get<std::int64_t>() : 0);
  const std::string service = field(entry, "service");
  std::string what = field(entry, "what");
  if (!service.empty() && what.starts_with(service + ": ")) what.erase(0, service.size() + 2);
  std::string line = fmt::format("{}  {:<16}  {:<16}  {}", format_utc(at), kind_of(entry),
                                 service.empty() ? "-" : service, what);
  // What `belay report` takes.
  if (const std::string rollout = field(entry, "rollout"); !rollout.empty())
    line += style.dim("  " + rollout);
  return line + "\n";
}

/// One page. Nothing more to print: false.
bool show(const ordered_json& entries, OutputFormat output) {
  const Style style = Style::of(stdout);
  return std::ranges::all_of(entries, [&](const ordered_json& entry) {
    return print(output == OutputFormat::text ? line_of(entry, style)
                                              : exporters::text_of(entry) + "\n");
  });
}

int history(const HistoryArguments& arguments) {
  const Result<ApiClient> client = ApiClient::find(arguments.api);
  if (!client) return refuse(client.error());
  ordered_json all = ordered_json::array();
  std::uint64_t wanted = arguments.limit;
  std::string cursor;
  do {
    const Result<ApiClient::Answer> answer = client->call(
        {.path = "/api/v1/history" + query_of(arguments, wanted, cursor), .holds = "entries"});
    if (!answer) return refuse(answer.error());
    if (!answer->ok()) {
      complain(answer->problem());
      return answer->status == 503 ? kExitUnavailable : kExitUsage;
    }
    const ordered_json page = ordered_json::parse(answer->text, nullptr, false);
    const auto entries = page.find("entries");
    if (entries == page.end() || !entries->is_array()) break;
    wanted -= std::min<std::uint64_t>(wanted, entries->size());
    cursor = exporters::text_in(answer->json, "next");
    if (arguments.output == OutputFormat::json) {
      all.insert(all.end(), entries->begin(), entries->end());
    } else if (!show(*entries, arguments.output)) {
      return kExitPass;
    }
  } while (wanted > 0 && !cursor.empty());
  if (arguments.output == OutputFormat::json) print(exporters::text_of(all, 2) + "\n");
  return kExitPass;
}

}  // namespace

void add_history(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "history", "What happened, newest first: rollouts, actions and why there was none, brakes");
  auto arguments = std::make_shared<HistoryArguments>();
  verb->add_option("--service", arguments->service, "Only of this service")->type_name("SERVICE");
  verb->add_option("--since", arguments->since, "How far back: 24h, or a time in RFC 3339")
      ->type_name("WHEN");
  verb->add_option("--limit", arguments->limit, "At most so many lines")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}))
      ->capture_default_str();
  add_api_options(*verb, arguments->api);
  add_output_option(*verb, arguments->output);
  verb->callback(
      [arguments, &chosen] { chosen = [arguments] { return delivered(history(*arguments)); }; });
}

}  // namespace belay::monitor
