#include "monitor/daemon.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>

#include "rules/engine.h"
#include "rules/judgement/default_rules.h"

namespace belay::monitor {
namespace {

/// So long after the end of a rollout an answer may still be of before that.
constexpr Duration kLagMax = std::chrono::minutes{2};

using RuleNames = std::map<std::string, std::set<std::string>>;

/// By service; all of them under "".
RuleNames names_of_rules(const Config& config) {
  RuleNames all;
  for (const rules::ServicePlan& service : config.plan.services) {
    std::set<std::string>& names = all[service.name];
    for (const auto* rules : {&service.rules, &service.rollout_rules})
      for (const rules::Rule& rule : *rules) names.insert(rule.name);
    if (!service.rollout.is_judged_by_default) continue;
    for (const rules::DefaultRule& rule : rules::default_rules(service.rollout.limits))
      names.insert(rules::default_name(rule.rule));
    for (const SourceConfig& source : config.sources)
      if (source.service == service.name && std::holds_alternative<ProbeConfig>(source.of))
        names.insert(rules::default_name_of_probe(source.name));
  }
  std::set<std::string> everywhere;
  for (const auto& [service, names] : all) everywhere.insert(names.begin(), names.end());
  all[""] = std::move(everywhere);
  return all;
}

}  // namespace

Daemon::Daemon(Config config) : config_(std::move(config)) {}

Daemon::~Daemon() { stop(); }

Result<std::unique_ptr<Daemon>> Daemon::start(Config config, std::vector<exporters::Sink*> watchers,
                                              Purpose purpose) {
  std::unique_ptr<Daemon> daemon{new Daemon(std::move(config))};
  if (const Status opened = daemon->open_journal(); !opened) return opened.error();
  daemon->build_engine(std::move(watchers), purpose);
  if (const Status listening = daemon->start_listeners(); !listening) return listening.error();
  daemon->start_threads();
  return daemon;
}

Status Daemon::open_journal() {
  Result<std::unique_ptr<Journal>> opened = Journal::open(config_.state);
  if (!opened) {
    if (opened.error().kind == Error::Kind::conflict) return opened.error();
    // Blind to what was done before, Belay still judges and tells; it must not act.
    troubles_.push_back(opened.error().message);
    return Done{};
  }
  Result<Journal::Recovered> recovered = (*opened)->recover(clock_.now());
  if (!recovered) {
    troubles_.push_back(recovered.error().message);
    return Done{};
  }
  journal_ = std::move(opened).value();
  recovered_ = std::move(recovered).value();
  return Done{};
}

void Daemon::build_engine(std::vector<exporters::Sink*> sinks, Purpose purpose) {
  platforms_.push_back(std::make_unique<Platforms>());
  add_platforms(config_, *platforms_.back());
  for (const rules::RememberedRollout& one : recovered_.remembered.rollouts) {
    Platform* const platform = platforms_.back()->of_service(one.started.service);
    const bool is_of_now = !is_final(one.state) || clock_.now() - one.at < kLagMax;
    if (platform != nullptr && is_of_now) platform->was_seen(one.traffic.deployment);
  }
  actor_ = std::make_unique<Actor>(*platforms_.back(), clock_,
                                   [this](const rules::Order& order, rules::ActionOutcome outcome) {
                                     inbox_.deliver(std::move(outcome));
                                     sources_.look_now(order.service);
                                   });
  health_ = std::make_unique<Health>([this] {
    return ThreadProgress{loop_->since_progress(), actor_->is_stuck(), loop_->journal_trouble()};
  });
  sinks.push_back(health_.get());
  told_ = make_sinks(config_, clock_);
  note_for_api(config_);
  told_->prometheus->configured(true, clock_.now());
  sinks.push_back(told_->prometheus.get());
  sinks.push_back(told_->routes.get());
  sinks.push_back(&gates_);
  preflight_ = std::make_unique<Preflight>(
      *platforms_.back(), preflight_checks_of(config_), clock_,
      [this](rules::PreflightDone done) { inbox_.deliver(std::move(done)); });
  api_ = std::make_unique<ApiServer>(ApiParts{
      .deliver = [this](rules::Event event) { inbox_.deliver(std::move(event)); },
      .now = [this] { return clock_.now(); },
      .is_recorded = [this] { return !loop_->degraded(); },
      .begins_rollouts = purpose == Purpose::many,
      .past = &lookup_,
      .has_page = [this] { return has_page_.load(); },
      .drives = [this](const std::string& service) { return driven_.get()->contains(service); },
      .lacks_steps =
          [this](const std::string& service) { return stepless_.get()->contains(service); },
      .lacks_move =
          [this](const std::string& service) { return unmoved_.get()->contains(service); },
      .rules =
          [this](const std::string& service) {
            const auto names = rule_names_.get();
            const auto found = names->find(service);
            return found == names->end() ? std::set<std::string>{} : found->second;
          },
      .commands = [this] { return *commands_.get(); }});
  sinks.push_back(&api_->sink());
  lookup_.when_asked([this] { inbox_.wake(); });
  rules::Engine engine{config_.plan, clock_.now(), std::move(recovered_.remembered)};
  loop_ = std::make_unique<EngineLoop>(
      std::move(engine),
      EngineLoop::Parts{
          inbox_, clock_, journal_.get(),
          [this](rules::Order order) { actor_->submit(std::move(order)); }, std::move(sinks),
          [this](rules::PreflightAsked asked) { preflight_->ask(std::move(asked)); },
          [this](rules::Recall recall) { actor_->recall(recall.intent, recall.why); }, &lookup_});
  for (const std::string& trouble : troubles_) loop_->tell_trouble(trouble);
  sources_.make(config_, *platforms_.back(), sources_.ids_of(config_));
}

Status Daemon::start_listeners() {
  if (!config_.metrics.empty()) {
    auto listener = net::HttpListener::start(
        config_.metrics, [this](const net::Incoming& request) { return respond(request); });
    if (!listener) return Error{Error::Kind::unavailable, "metrics: " + listener.error().message};
    metrics_listener_ = std::move(listener).value();
  }
  if (config_.ingest) {
    ingest_.set(
        make_ingest(config_, sources_.push_targets(sources_.ids_of(config_)), told_->own.posts));
    auto listener = net::HttpListener::start(
        config_.ingest->address,
        [this](const net::Incoming& request) { return ingest_.get()->answer(request); });
    if (!listener) return Error{Error::Kind::unavailable, "ingest: " + listener.error().message};
    ingest_listener_ = std::move(listener).value();
  }
  return api_->listen(config_, journal_ != nullptr);
}

void Daemon::start_threads() {
  for (rules::Order& order : recovered_.open_orders) {
    spdlog::warn("resuming {} on {}: it has no outcome in the journal", order.intent,
                 order.service);
    actor_->resume(std::move(order));
  }
  recovered_.open_orders.clear();
  // After them: its first step may recall some.
  engine_thread_ = std::jthread([this](std::stop_token stop) { loop_->run(std::move(stop)); });
  sources_.run_only(sources_.ids_of(config_));
  start_heartbeat();
}

void Daemon::note_for_api(const Config& config) {
  has_page_ = !config.page.empty();
  std::set<std::string> driven;
  std::set<std::string> stepless;
  std::set<std::string> unmoved;
  const auto put = [](const rules::ServicePlan& service, std::set<std::string>& into) {
    into.insert(service.name);
    into.insert(service.aliases.begin(), service.aliases.end());
  };
  for (const rules::ServicePlan& service : config.plan.services) {
    if (service.rollout.is_driving) put(service, driven);
    if (service.rollout.steps.empty()) put(service, stepless);
    const auto of = std::ranges::find(config.services, service.name, &ServiceConfig::name);
    if (of == config.services.end() || !moves_traffic(*of)) put(service, unmoved);
  }
  rule_names_.set(std::make_shared<const RuleNames>(names_of_rules(config)));
  unmoved_.set(std::make_shared<const std::set<std::string>>(std::move(unmoved)));
  stepless_.set(std::make_shared<const std::set<std::string>>(std::move(stepless)));
  driven_.set(std::make_shared<const std::set<std::string>>(std::move(driven)));
  commands_.set(std::make_shared<const exporters::CommandsByService>(commands_of(config)));
}

void Daemon::start_heartbeat() {
  heartbeat_.reset();
  if (!config_.heartbeat) return;
  // Only a Belay that works says so.
  heartbeat_ = std::make_unique<Heartbeat>(config_.heartbeat->url, config_.heartbeat->every,
                                           [this] { return health_->why_not_alive().empty(); });
}

net::Outgoing Daemon::respond(const net::Incoming& request) const {
  if (request.method != "GET" && request.method != "HEAD") {
    return {.status = 405, .headers = {{"Allow", "GET"}}, .body = "only GET\n"};
  }
  if (request.path == "/metrics") {
    return {.content_type = exporters::Prometheus::kContentType,
            .body = told_->prometheus->render()};
  }
  if (request.path == "/healthz" || request.path == "/livez") return health_->healthz();
  if (request.path == "/readyz") return health_->readyz();
  return {.status = 404, .body = "there is /metrics, /healthz and /readyz\n"};
}

void Daemon::stop() {
  ingest_listener_.reset();
  heartbeat_.reset();
  // All of them at once: a program that is slow to end must not take the time of an action.
  sources_.request_stop();
  // The engine still runs: the outcome of the action under way is recorded.
  if (actor_) actor_->stop();
  if (preflight_) preflight_->stop();
  sources_.stop();
  engine_thread_.request_stop();
  inbox_.close();
  engine_thread_ = {};
  if (api_) api_->stop();
  metrics_listener_.reset();
}

std::optional<std::uint16_t> Daemon::metrics_port() const {
  return metrics_listener_ ? std::optional{metrics_listener_->port()} : std::nullopt;
}

std::optional<std::uint16_t> Daemon::api_port() const { return api_ ? api_->port() : std::nullopt; }

std::optional<std::uint16_t> Daemon::ingest_port() const {
  return ingest_listener_ ? std::optional{ingest_listener_->port()} : std::nullopt;
}

}  // namespace belay::monitor
