// Another plan for an engine that runs. What a service is judged by is exchanged only while nothing
// is decided on it; evidence and windows of what stays are kept.

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/sanitize.h"
#include "rules/engine_state.h"

namespace belay::rules {
namespace {

bool feeds(const SourcePlan& source, const std::string& service) {
  return source.service.empty() || source.service == service;
}

/// Whoever reloads to have less done must not wait for what he fears.
Error refusal(const std::string& who, const std::string& service, const std::string& why) {
  return Error{Error::Kind::conflict, who + " " + why +
                                          ": try again when that is over. `belay disarm " +
                                          service + " --for 1h` stops all actions on it now"};
}

}  // namespace

/// What stays, comes and goes.
struct Engine::State::Adoption {
  Adoption(const State& state, Plan next, std::span<const SourceId> ids) : plan(std::move(next)) {
    BELAY_CHECK(ids.size() == plan.sources.size(), "every source of a plan has its id");
    std::size_t known = state.sources_.size();
    stays.assign(known, false);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const auto id = static_cast<std::size_t>(ids[i]);
      if (id < stays.size()) {
        stays[id] = true;
        continue;
      }
      BELAY_CHECK(id == known++, "a new source has the next id");
      added.push_back(plan.sources[i]);
    }
    changed = added;
    for (std::size_t id = 0; id < stays.size(); ++id)
      if (!stays[id] && !state.sources_[id]->is_retired())
        changed.push_back(state.sources_[id]->plan());
  }

  [[nodiscard]] const ServicePlan* plan_of(const std::string& service) const {
    const auto found = std::find_if(plan.services.begin(), plan.services.end(),
                                    [&](const ServicePlan& one) { return one.name == service; });
    return found == plan.services.end() ? nullptr : &*found;
  }
  /// Gone, judged by other rules, or on other evidence.
  [[nodiscard]] bool is_about(const ServicePlan& service) const {
    const ServicePlan* next = plan_of(service.name);
    return next == nullptr || *next != service ||
           std::any_of(changed.begin(), changed.end(),
                       [&](const SourcePlan& source) { return feeds(source, service.name); });
  }

  Plan plan;
  std::vector<bool> stays;          // By id.
  std::vector<SourcePlan> added;    // In the order of their ids.
  std::vector<SourcePlan> changed;  // Those that come and those that go.
};

Status Engine::State::adopt(Plan next, std::span<const SourceId> ids) {
  // What only a rollout of an earlier life knows stays, unless the configuration knows it again.
  std::vector<ServicePlan> left_over = left_over_;
  std::erase_if(left_over, [&next](const ServicePlan& plan) {
    return std::any_of(next.services.begin(), next.services.end(),
                       [&plan](const ServicePlan& one) { return one.name == plan.name; });
  });
  next.services.insert(next.services.end(), left_over.begin(), left_over.end());
  Adoption adoption(*this, std::move(next), ids);
  for (std::size_t i = 0; i < services_.size(); ++i) {
    if (!adoption.is_about(services_[i]->plan)) continue;
    if (const std::optional<std::string> busy = rollouts_[i]->why_busy())
      return refusal(services_[i]->plan.name, services_[i]->plan.name, *busy);
    const bool goes = adoption.plan_of(services_[i]->plan.name) == nullptr;
    if (const std::optional<std::string> train = open_train_of(services_[i]->plan.name);
        goes && train)
      return refusal(services_[i]->plan.name, services_[i]->plan.name,
                     "is in the train " + sanitize(*train) + ", which is not over");
    // What guards another service is a part of how that one is judged.
    for (std::size_t j = 0; j < services_.size(); ++j) {
      const std::vector<std::string>& guards = services_[j]->plan.guards;
      if (std::find(guards.begin(), guards.end(), services_[i]->plan.name) == guards.end())
        continue;
      if (const std::optional<std::string> busy = rollouts_[j]->why_busy())
        return refusal(services_[i]->plan.name + " guards " + services_[j]->plan.name + ", which",
                       services_[j]->plan.name, *busy);
    }
  }
  std::vector<bool> is_changed;
  for (const std::unique_ptr<Service>& service : services_)
    is_changed.push_back(adoption.is_about(service->plan));
  left_over_ = std::move(left_over);
  exchange_sources(adoption);
  exchange_services(adoption, is_changed);
  plan_ = std::move(adoption.plan);
  return Done{};
}

void Engine::State::exchange_sources(const Adoption& adoption) {
  for (std::size_t id = 0; id < adoption.stays.size(); ++id) {
    if (adoption.stays[id]) continue;
    sources_[id]->retire();
    for (const std::unique_ptr<Service>& service : services_)
      service->forget_source(static_cast<std::uint32_t>(id));
  }
  for (const SourcePlan& source : adoption.added) {
    sources_.push_back(std::make_unique<SourceRecord>(source, now_));
    is_lost_.push_back(false);
  }
}

void Engine::State::exchange_services(const Adoption& adoption, std::vector<bool> is_changed) {
  // Nobody may look at one that goes.
  for (const std::unique_ptr<Rollout>& rollout : rollouts_) rollout->meet({}, {});
  for (std::size_t i = services_.size(); i-- > 0;) {
    if (adoption.plan_of(services_[i]->plan.name) != nullptr) continue;
    const auto at = static_cast<std::ptrdiff_t>(i);
    rollouts_.erase(rollouts_.begin() + at);
    services_.erase(services_.begin() + at);
    is_changed.erase(is_changed.begin() + at);
  }
  cells_.clear();
  const auto is_left_over = [this](const std::string& name) {
    return std::ranges::find(left_over_, name, &ServicePlan::name) != left_over_.end();
  };
  service_by_name_.clear();
  for (std::uint32_t i = 0; i < services_.size(); ++i)
    if (!is_left_over(services_[i]->plan.name)) name_service(i, services_[i]->plan.name);
  for (const ServicePlan& plan : adoption.plan.services) {
    if (index_of(plan.name)) continue;
    // Bound below, as one whose rules are all new.
    add_service({.name = plan.name}, now_);
    is_changed.push_back(true);
  }
  for (std::uint32_t i = 0; i < services_.size(); ++i)
    for (const std::string& alias : adoption.plan_of(services_[i]->plan.name)->aliases)
      name_service(i, alias);
  // What another one is called now is that one's.
  for (std::uint32_t i = 0; i < services_.size(); ++i) name_service(i, services_[i]->plan.name);
  for (std::size_t i = 0; i < services_.size(); ++i) {
    Service& service = *services_[i];
    const auto heard_from = service.evidence.sources_by_kind;
    assign_sources(service);
    for (const std::vector<std::uint32_t>& sources : heard_from)
      for (const std::uint32_t source : sources) note_source(service, source);
    if (!is_left_over(service.plan.name)) rollouts_[i]->leave_over({});
    if (is_changed[i]) rollouts_[i]->adopt(*adoption.plan_of(service.plan.name), now_);
  }
  introduce();
}

Status Engine::adopt(Plan plan, std::span<const SourceId> ids) {
  return state_->adopt(std::move(plan), ids);
}

}  // namespace belay::rules
