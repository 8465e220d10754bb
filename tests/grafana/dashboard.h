#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace belay::test {

/// grafana/dashboards/overview.json.
nlohmann::json overview_dashboard();

/// All panels but the rows that divide them.
std::vector<nlohmann::json> panels_of(const nlohmann::json& dashboard);

struct Expression {
  std::string where;  ///< Title of its panel, or name of its annotation.
  std::string text;   ///< PromQL, with Grafana's variables.
};
std::vector<Expression> expressions_of(const nlohmann::json& dashboard);

/// The demo has no queue, nobody to tell and nobody who posts, all of its log is well formed, and
/// it promotes nothing.
bool is_about_what_the_demo_lacks(const Expression& expression);

/// What Prometheus is asked when all services are chosen: `rate_interval` and `interval` as in
/// PromQL, "1m".
std::string substituted(std::string expression, const std::string& rate_interval,
                        const std::string& interval);

/// The names that begin with "belay_".
std::set<std::string> metrics_in(std::string_view expression);

}  // namespace belay::test
