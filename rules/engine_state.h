#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/engine.h"
#include "rules/judgement/cell_table.h"
#include "rules/judgement/names.h"
#include "rules/judgement/source_record.h"
#include "rules/rollout/action_book.h"
#include "rules/rollout/rollout.h"
#include "rules/rollout/silences.h"
#include "rules/rollout/train.h"
#include "rules/service.h"

namespace belay::rules {

/// The engine's whole state. engine.cc steps, engine_ingest.cc takes requests in and
/// engine_samples.cc all other evidence, engine_snapshot.cc tells.
class Engine::State {
 public:
  State(Plan plan, Instant start, Remembered remembered);

  Step step(Instant now, std::span<const Event> events);
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] bool has_firing_rule() const;
  Status adopt(Plan next, std::span<const SourceId> ids);

 private:
  /// The events of one step, by the checks that they come before.
  struct Schedule;

  // engine.cc
  void take(const Event& event);
  void expect(const Event& event) const;
  void take(const Deployment& deployment);
  void take(const RolloutStarted& gate);
  void take(const TrainStarted& train);
  void take(const OperatorCommand& command);
  void take(const PreflightDone& done);
  void take(const Disarmed& disarmed);
  void take(const Silenced& silenced);
  void take(const ActionOutcome& outcome);
  void check(Instant at);
  void glance(Instant at);
  void look_up_requirements(Instant at);
  Service* service_named(const std::string& name);
  /// The same brake, under the service's own name.
  template <typename Brake>
  Brake named_as_here(Brake brake) {
    if (const Service* service = service_named(brake.service)) brake.service = service->plan.name;
    return brake;
  }

  // engine_trains.cc
  [[nodiscard]] Trains trains() const;
  /// A train with a rollout of this service in which another is not over yet.
  [[nodiscard]] std::optional<std::string> open_train_of(const std::string& service) const;
  /// A service that the plan knows no more, but a rollout that is open does, or a train that is not
  /// settled.
  void add_left_over(const Remembered& remembered, Instant start);
  static const Trains::value_type* newest_train(const Trains& trains, const std::string& name);
  [[nodiscard]] RolloutStarted joined(const RolloutStarted& asked) const;
  std::optional<std::string> why_no_train(const TrainStarted& asked);
  void abort_train(const OperatorCommand& command);
  void run_trains(Instant at);
  /// Each service's callers and callees get to know each other.
  void introduce();
  /// By its own name, whatever the alias of another one is.
  [[nodiscard]] std::optional<std::size_t> index_of(const std::string& service) const;
  Rollout& rollout_of(const std::string& service);

  // engine_adopt.cc
  struct Adoption;
  void exchange_sources(const Adoption& adoption);
  void exchange_services(const Adoption& adoption, std::vector<bool> is_changed);

  // engine_ingest.cc
  void take(const Request& request);
  void take(const RequestSecond& second);
  void take(const Thrown& thrown);
  /// The cell of a request, made if need be; it may say that the request is refused.
  Cell& cell_of(const Request& request);
  Refusal fill_cell(const Request& request, Cell& cell);
  /// Of requests that were booked and do not count: whether they are missing in a rollout.
  void refuse(const Request& like, Refusal why, std::uint64_t calls);
  /// Of a service that nobody knows: for the service whose own log it is in.
  void note_misnamed(const Request& like, NameId version, std::uint64_t calls);

  // engine_samples.cc
  void take(const Probe& probe);
  void take(const QueueSample& sample);
  void take(const Measurement& measurement);
  void feed_flow(Service& service, const std::string& queue, const QueueSample& sample);

  // engine_sources.cc
  void take(const SourceState& state);
  void take(const SourceGap& gap);
  void take(const SourceProgress& progress);
  void take(const TextDefined& defined);
  void settle_sources(Instant at);
  void notice_sources(Instant at);
  Refusal admit(SourceRecord& source, Instant at) const;
  /// By its name or an alias; capitals matter only where two services differ in nothing else.
  [[nodiscard]] std::optional<std::uint32_t> service_in_log(const std::string& name) const;
  /// The service that a source's text means; a refusal if there is none and none may be made.
  Refusal find_service_named(const std::string& name, std::uint32_t& found);
  Refusal find_service(const SourceRecord& source, TextId text, std::uint32_t& found);
  Service& add_service(ServicePlan plan, Instant watched_since);
  void name_service(std::uint32_t index, const std::string& name) {
    service_by_name_.emplace(name, index);
  }
  void note_source(Service& service, std::uint32_t source);
  void assign_sources(Service& service);
  SourceRecord& source(SourceId id);
  [[nodiscard]] std::string text_of(SourceId source, TextId text) const;

  Plan plan_;
  Instant now_;       // Of the last step.
  Instant earliest_;  // When the evidence of this step may have arrived at the earliest.
  Instant clock_;     // Engine time while evidence is taken in.
  TimeBuckets buckets_;
  NameTable names_;
  std::vector<std::unique_ptr<SourceRecord>> sources_;
  std::vector<std::unique_ptr<Service>> services_;
  std::vector<std::unique_ptr<Rollout>> rollouts_;  // One for each service.
  std::map<std::string, std::uint32_t, std::less<>> service_by_name_;
  ActionBook book_;
  Silences silences_;
  Instant start_;
  std::vector<bool> is_lost_;            // By source: told as lost.
  std::set<std::string> told_stranded_;  // Rollouts.
  std::vector<ServicePlan> left_over_;   // Not in the configuration.
  CellTable cells_;
  Step out_;
  std::uint64_t steps_total_ = 0;
  std::uint64_t events_total_ = 0;
};

}  // namespace belay::rules
