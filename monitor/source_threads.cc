#include "monitor/source_threads.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/check.h"
#include "monitor/parts.h"

namespace belay::monitor {
namespace {

std::string shown(const SourceConfig& source) {
  return source.service.empty() ? source.name : source.service + "/" + source.name;
}

using Reached = std::optional<std::pair<ServiceConfig, std::optional<CloudflareAccount>>>;

Reached reached_by(const SourceConfig& source, const Config& config) {
  if (!std::holds_alternative<PlatformWatch>(source.of)) return std::nullopt;
  const auto service = std::ranges::find(config.services, source.service, &ServiceConfig::name);
  BELAY_CHECK(service != config.services.end(), "a platform that is watched is a service's");
  return std::pair{*service, config.cloudflare};
}

std::size_t index_of(rules::SourceId id) { return static_cast<std::size_t>(id); }

}  // namespace

SourceThreads::SourceThreads(Inbox& inbox, const Clock& clock, const GateVersions& gates)
    : inbox_(inbox), clock_(clock), gates_(gates) {}

SourceThreads::~SourceThreads() { stop(); }

SourceThreads::Ids SourceThreads::ids_of(const Config& config) const {
  Ids ids;
  std::size_t unused = sources_.size();
  for (std::size_t i = 0; i < config.sources.size(); ++i) {
    const auto same = std::ranges::find_if(sources_, [&](const auto& one) {
      return !one->is_over && one->config == config.sources[i] &&
             one->plan == config.plan.sources[i] &&
             one->reached == reached_by(config.sources[i], config);
    });
    const auto known = static_cast<std::size_t>(same - sources_.begin());
    ids.push_back(static_cast<rules::SourceId>(same == sources_.end() ? unused++ : known));
  }
  return ids;
}

void SourceThreads::make(const Config& config, const Platforms& platforms, const Ids& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (index_of(ids[i]) < sources_.size()) continue;
    BELAY_CHECK(index_of(ids[i]) == sources_.size(), "the ids are those of ids_of()");
    auto one = std::make_unique<One>();
    one->config = config.sources[i];
    one->plan = config.plan.sources[i];
    one->reached = reached_by(one->config, config);
    one->source = make_source(one->config, one->plan, ids[i], {gates_, platforms, platform_calls_});
    one->lane = &inbox_.add_lane(ids[i]);
    sources_.push_back(std::move(one));
  }
  publish_watches(ids);
}

void SourceThreads::publish_watches(const Ids& ids) {
  Watches watches;
  for (const rules::SourceId id : ids) {
    const One& one = *sources_[index_of(id)];
    auto* watch = dynamic_cast<PlatformSource*>(one.source.get());
    if (watch != nullptr) watches[one.config.service] = watch;
  }
  watches_.set(std::make_shared<const Watches>(std::move(watches)));
}

void SourceThreads::look_now(const std::string& service) const {
  const auto watches = watches_.get();
  if (watches == nullptr) return;
  const auto found = watches->find(service);
  if (found != watches->end()) found->second->look_now();
}

std::vector<Ingest::Target> SourceThreads::push_targets(const Ids& ids) const {
  std::vector<Ingest::Target> targets;
  for (const rules::SourceId id : ids) {
    const One& one = *sources_[index_of(id)];
    auto* pushed = dynamic_cast<PushSource*>(one.source.get());
    if (pushed != nullptr) targets.push_back({one.config.service, one.config.name, pushed});
  }
  return targets;
}

void SourceThreads::run_only(const Ids& ids) {
  std::vector<One*> ending;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    One& one = *sources_[i];
    if (one.is_over || std::ranges::find(ids, rules::SourceId(i)) != ids.end()) continue;
    one.is_over = true;
    one.thread.request_stop();
    ending.push_back(&one);
  }
  for (One* one : ending) one->thread = {};
  for (const auto& one : sources_) {
    if (one->is_over || one->thread.joinable()) continue;
    one->thread = std::jthread([this, of = one.get()](std::stop_token stop) {
      spdlog::debug("reading {}", shown(of->config));
      of->source->run(std::move(stop), *of->lane, clock_);
    });
  }
}

void SourceThreads::request_stop() {
  for (const auto& one : sources_) one->thread.request_stop();
}

void SourceThreads::stop() {
  request_stop();
  for (const auto& one : sources_) one->thread = {};
}

}  // namespace belay::monitor
