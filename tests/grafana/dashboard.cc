#include "tests/grafana/dashboard.h"

#include <algorithm>
#include <array>
#include <fstream>

#include <nlohmann/json.hpp>

#include "tests/support/paths.h"

namespace belay::test {
namespace {

using nlohmann::json;

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

json overview_dashboard() {
  std::ifstream file(source_dir() / "grafana/dashboards/overview.json");
  return json::parse(file);
}

std::vector<json> panels_of(const json& dashboard) {
  std::vector<json> panels;
  for (const json& panel : dashboard.at("panels")) {
    if (panel.at("type") != "row") panels.push_back(panel);
  }
  return panels;
}

std::vector<Expression> expressions_of(const json& dashboard) {
  std::vector<Expression> expressions;
  for (const json& panel : panels_of(dashboard)) {
    for (const json& target : panel.at("targets")) {
      expressions.push_back({panel.at("title"), target.at("expr")});
    }
  }
  for (const json& annotation : dashboard.at("annotations").at("list")) {
    expressions.push_back({annotation.at("name"), annotation.at("expr")});
  }
  return expressions;
}

bool is_about_what_the_demo_lacks(const Expression& expression) {
  constexpr std::array kLacking = {"belay_queue_",
                                   "belay_notifications_",
                                   "belay_ingest_posts_total",
                                   "belay_source_rejected_total",
                                   "belay_source_lost_total",
                                   "belay_deployment_lead_time_seconds"};
  return std::ranges::any_of(
      kLacking, [&](const char* name) { return expression.text.find(name) != std::string::npos; });
}

std::string substituted(std::string expression, const std::string& rate_interval,
                        const std::string& interval) {
  replace_all(expression, "$__rate_interval", rate_interval);
  replace_all(expression, "$__interval", interval);
  replace_all(expression, "$__range", interval);
  replace_all(expression, "$service", ".*");
  return expression;
}

std::set<std::string> metrics_in(std::string_view expression) {
  constexpr std::string_view kPrefix = "belay_";
  std::set<std::string> names;
  for (std::size_t at = expression.find(kPrefix); at != std::string_view::npos;) {
    const std::size_t end =
        expression.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at);
    names.emplace(expression.substr(at, end - at));
    at = end == std::string_view::npos ? end : expression.find(kPrefix, end);
  }
  return names;
}

}  // namespace belay::test
