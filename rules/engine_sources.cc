// What is known of the sources, and which service each of them speaks for.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/ascii_case.h"
#include "base/check.h"
#include "base/sanitize.h"
#include "rules/engine_state.h"
#include "rules/rollout/notices.h"

namespace belay::rules {
namespace {

/// A source that has not spoken yet is not lost before this.
constexpr Duration kStartGrace = std::chrono::seconds{10};

}  // namespace

SourceRecord& Engine::State::source(SourceId id) {
  const auto index = static_cast<std::size_t>(id);
  BELAY_CHECK(index < sources_.size(), "an event names a source that is not in the plan");
  return *sources_[index];
}

std::string Engine::State::text_of(SourceId id, TextId text) const {
  const std::optional<NameId> name = sources_[static_cast<std::size_t>(id)]->name(text);
  return name ? names_.text(*name) : std::string();
}

Refusal Engine::State::admit(SourceRecord& from, Instant at) const {
  if (from.is_retired()) return Refusal::unknown_service;
  return from.admit(at, earliest_, now_, plan_.unlimited_lateness);
}

void Engine::State::assign_sources(Service& service) {
  for (std::size_t kind = 0; kind < service.evidence.sources_by_kind.size(); ++kind) {
    std::vector<std::uint32_t> own;
    std::vector<std::uint32_t> shared;
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
      const SourcePlan& plan = sources_[i]->plan();
      if (sources_[i]->is_retired()) continue;
      if (static_cast<std::size_t>(plan.kind) != kind) continue;
      const auto named = service_by_name_.find(plan.service);
      if (plan.service.empty()) {
        shared.push_back(i);
      } else if (named != service_by_name_.end() && services_[named->second].get() == &service) {
        own.push_back(i);
      }
    }
    // A shared source speaks for a service that has none of its own, or once it has spoken of it.
    service.evidence.sources_by_kind[kind] = own.empty() ? std::move(shared) : std::move(own);
  }
}

void Engine::State::note_source(Service& service, std::uint32_t index) {
  if (sources_[index]->is_retired()) return;
  const auto kind = static_cast<std::size_t>(sources_[index]->plan().kind);
  std::vector<std::uint32_t>& listed = service.evidence.sources_by_kind[kind];
  if (std::find(listed.begin(), listed.end(), index) == listed.end()) listed.push_back(index);
}

Service& Engine::State::add_service(ServicePlan plan, Instant watched_since) {
  const auto index = static_cast<std::uint32_t>(services_.size());
  name_service(index, plan.name);
  Service& service = *services_.emplace_back(
      std::make_unique<Service>(std::move(plan), plan_.routes_per_service_max, watched_since));
  rollouts_.push_back(std::make_unique<Rollout>(service, names_, book_, watched_since));
  service.evidence.names = &names_;
  service.evidence.sources = &sources_;
  return service;
}

Refusal Engine::State::find_service(const SourceRecord& from, TextId text, std::uint32_t& found) {
  const std::optional<NameId> name = from.name(text);
  if (!name) return Refusal::undefined_text;
  const std::string& wanted = *name == kNoName ? from.plan().service : names_.text(*name);
  if (const std::optional<std::uint32_t> known = service_in_log(wanted)) {
    found = *known;
    return Refusal::none;
  }
  return find_service_named(wanted, found);
}

std::optional<std::uint32_t> Engine::State::service_in_log(const std::string& name) const {
  if (const auto known = service_by_name_.find(name); known != service_by_name_.end())
    return known->second;
  std::optional<std::uint32_t> alike;
  for (const auto& [known, index] : service_by_name_) {
    if (!equal_ignoring_case(known, name)) continue;
    if (alike && *alike != index) return std::nullopt;
    alike = index;
  }
  return alike;
}

Refusal Engine::State::find_service_named(const std::string& wanted, std::uint32_t& found) {
  if (const auto known = service_by_name_.find(wanted); known != service_by_name_.end()) {
    found = known->second;
    return Refusal::none;
  }
  if (wanted.empty() || !plan_.any_service) return Refusal::unknown_service;
  if (services_.size() >= plan_.services_max) return Refusal::too_many_services;
  ServicePlan plan = *plan_.any_service;
  plan.name = wanted;
  plan.aliases.clear();
  Service& service = add_service(std::move(plan), start_);
  assign_sources(service);
  service.bind(clock_);
  found = static_cast<std::uint32_t>(services_.size() - 1);
  return Refusal::none;
}

void Engine::State::take(const SourceState& state) { source(state.source).say(state, clock_); }
void Engine::State::take(const SourceGap& gap) { source(gap.source).lose(gap); }
void Engine::State::take(const SourceProgress& progress) {
  source(progress.source).progress(progress);
}
void Engine::State::take(const TextDefined& defined) {
  // Whoever hands ids out anew must not have his requests counted for another version.
  if (source(defined.source).define(defined.id, names_.id(defined.text))) cells_.clear();
}

void Engine::State::settle_sources(Instant at) {
  for (const std::unique_ptr<SourceRecord>& source : sources_) source->settle(at);
}

void Engine::State::notice_sources(Instant at) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const SourceRecord& source = *sources_[i];
    const SourcePlan& plan = source.plan();
    if (source.is_retired()) continue;
    const bool is_blind = source.is_blind(at);
    if (is_blind == is_lost_[i]) continue;
    if (is_blind && !source.was_heard() && at - start_ <= std::max(kStartGrace, plan.interval * 3))
      continue;
    is_lost_[i] = is_blind;
    Teller tell(out_, plan.service, "", "", at);
    const std::string name = "source " + plan.name;
    Notice& notice = is_blind ? tell.notice(Notice::Kind::source_lost, false,
                                            name + " is lost: what it would show is not known")
                              : tell.notice(Notice::Kind::source_back, false, name + " is back");
    const std::string detail = sanitize(source.detail());
    if (!detail.empty()) notice.details.push_back(detail);
  }
}

}  // namespace belay::rules
