#include "monitor/api/routes.h"

namespace belay::monitor {

std::span<const Route> routes() {
  static const std::vector<Route> kRoutes = {
      {"GET", "/openapi.json", Scope::read, {}, &show_openapi},
      {"GET", "/api/v1/status", Scope::read, {}, &show_status},
      {"GET", "/api/v1/services", Scope::read, {}, &list_services},
      {"GET", "/api/v1/services/{service}", Scope::read, {}, &show_service},
      {"GET", "/api/v1/sources", Scope::read, {}, &list_sources},
      {"GET", "/api/v1/events", Scope::read, {"service"}, &follow_all},
      {"GET", "/api/v1/rollouts", Scope::read, {"service", "open"}, &list_rollouts},
      {"POST", "/api/v1/rollouts", Scope::gate, {}, &start_rollout},
      {"GET", "/api/v1/rollouts/{id}", Scope::read, {"wait"}, &show_rollout},
      {"GET", "/api/v1/rollouts/{id}/events", Scope::read, {}, &follow_rollout},
      {"GET", "/api/v1/rollouts/{id}/report", Scope::read, {}, &show_report},
      {"GET",
       "/api/v1/history",
       Scope::read,
       {"service", "since", "limit", "cursor"},
       &show_history},
      {"POST", "/api/v1/rollouts/{id}/pause", Scope::gate, {}, &pause_rollout},
      {"POST", "/api/v1/rollouts/{id}/resume", Scope::gate, {}, &resume_rollout},
      {"POST", "/api/v1/rollouts/{id}/promote", Scope::gate, {}, &promote_rollout},
      {"POST", "/api/v1/rollouts/{id}/abort", Scope::gate, {}, &abort_rollout},
      {"POST", "/api/v1/rollouts/{id}/approve", Scope::gate, {}, &approve_rollout},
      {"POST", "/api/v1/rollouts/{id}/rollback", Scope::gate, {}, &roll_back_rollout},
      {"POST", "/api/v1/trains", Scope::gate, {}, &start_train},
      {"GET", "/api/v1/trains/{name}", Scope::read, {}, &show_train},
      {"POST", "/api/v1/trains/{name}/abort", Scope::gate, {}, &abort_train},
      {"POST", "/api/v1/disarm", Scope::gate, {}, &disarm},
      {"GET", "/api/v1/silences", Scope::read, {}, &list_silences},
      {"POST", "/api/v1/silences", Scope::gate, {}, &silence},
  };
  return kRoutes;
}

}  // namespace belay::monitor
