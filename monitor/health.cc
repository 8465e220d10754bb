#include "monitor/health.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/sanitize.h"
#include "exporters/json.h"

namespace belay::monitor {
namespace {

std::string why_not(const rules::SourceStatus& source) {
  if (source.health == rules::SourceHealth::refused) return "refused: " + sanitize(source.detail);
  if (source.health == rules::SourceHealth::down)
    return "not connected: " + sanitize(source.detail);
  if (source.blind) return "silent for three of its intervals";
  return {};
}

net::Outgoing answer(const std::vector<std::string>& reasons, const char* good, const char* bad) {
  const nlohmann::ordered_json body{{"status", reasons.empty() ? good : bad}, {"reasons", reasons}};
  return {.status = reasons.empty() ? 200 : 503,
          .content_type = "application/json",
          .body = exporters::text_of(body) + "\n"};
}

}  // namespace

void Health::publish(const rules::Snapshot& snapshot) {
  std::vector<Source> sources;
  for (const rules::SourceStatus& source : snapshot.sources) {
    const std::string name =
        source.service.empty() ? source.name : source.service + "/" + source.name;
    sources.push_back({name, why_not(source)});
  }
  sources_.set(std::make_shared<const std::vector<Source>>(std::move(sources)));
}

std::vector<std::string> Health::why_not_alive() const {
  const ThreadProgress progress = progress_();
  std::vector<std::string> reasons;
  if (progress.since_engine_step > kEngineSilenceMax) {
    reasons.push_back(fmt::format(
        "the engine has not stepped for {}",
        format_duration(std::chrono::round<std::chrono::seconds>(progress.since_engine_step))));
  }
  if (progress.actor_is_stuck) reasons.emplace_back("an action has not returned in its time");
  return reasons;
}

std::vector<std::string> Health::why_not_ready() const {
  std::vector<std::string> reasons = why_not_alive();
  if (std::string trouble = progress_().journal_trouble; !trouble.empty()) {
    reasons.push_back(std::move(trouble));
  }
  const auto sources = sources_.get();
  if (sources == nullptr) {
    reasons.emplace_back("the engine has not published yet");
    return reasons;
  }
  const auto connected = [](const Source& source) { return source.why_not.empty(); };
  if (sources->empty() || std::ranges::any_of(*sources, connected)) return reasons;
  reasons.emplace_back("no source is connected");
  for (const Source& source : *sources) {
    reasons.push_back(fmt::format("{}: {}", source.name, source.why_not));
  }
  return reasons;
}

net::Outgoing Health::healthz() const { return answer(why_not_alive(), "ok", "stuck"); }

net::Outgoing Health::readyz() const { return answer(why_not_ready(), "ready", "not ready"); }

}  // namespace belay::monitor
