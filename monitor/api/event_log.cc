#include "monitor/api/event_log.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/api/views.h"
#include "net/digest.h"

namespace belay::monitor {

EventLog::EventLog() : life_(net::random_hex(4)) {}

void EventLog::note(const Newest::Published& published) {
  if (published.number == published_) return;
  published_ = published.number;
  for (const rules::ServiceStatus& service : published.snapshot.services) {
    Known now;
    if (service.rollout) {
      now.rollout_id = service.rollout->id;
      now.rollout = exporters::text_of(rollout_view(*service.rollout));
    }
    now.service = exporters::text_of(service_view(service));
    Known& before = known_[service.name];
    if (now.service != before.service) add("service", service.name, "", now.service);
    if (now.rollout != before.rollout) add("rollout", service.name, now.rollout_id, now.rollout);
    before = std::move(now);
  }
  std::string sources = exporters::text_of(sources_view(published.snapshot));
  if (sources != sources_) add("sources", "", "", sources);
  sources_ = std::move(sources);
}

void EventLog::note(const std::deque<Newest::Noted>& notices) {
  for (const Newest::Noted& noted : notices) {
    if (noted.number <= noticed_) continue;
    noticed_ = noted.number;
    add("notice", noted.notice.service, "", exporters::text_of(exporters::json_of(noted.notice)));
  }
}

void EventLog::add(const char* name, std::string service, std::string rollout,
                   const std::string& json) {
  Event event{next_, std::move(service), std::move(rollout), framed(name, next_, json)};
  ++next_;
  bytes_ += event.text.size();
  events_.push_back(std::move(event));
  while (events_.size() > kEventsMax || bytes_ > kBytesMax) {
    bytes_ -= events_.front().text.size();
    events_.pop_front();
  }
}

std::string EventLog::framed(const char* name, std::uint64_t number,
                             const std::string& json) const {
  return fmt::format("id: {}-{}\nevent: {}\ndata: {}\n\n", life_, number, name, json);
}

std::optional<std::uint64_t> EventLog::number_of(std::string_view last_event_id) const {
  const std::string prefix = life_ + "-";
  if (!last_event_id.starts_with(prefix)) return std::nullopt;
  last_event_id.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const char* const end = last_event_id.data() + last_event_id.size();
  const auto parsed = std::from_chars(last_event_id.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end || number >= next_) return std::nullopt;
  return has_all_since(number) ? std::optional(number) : std::nullopt;
}

bool EventLog::has_all_since(std::uint64_t number) const {
  return events_.empty() ? number + 1 == next_ : number + 1 >= events_.front().number;
}

bool EventLog::concerns(const Topic& topic, const Event& event) {
  if (!topic.rollout.empty()) return event.rollout == topic.rollout;
  return topic.service.empty() || event.service == topic.service;
}

std::string EventLog::whole(const Topic& topic) const {
  std::string services;
  std::string rollouts;
  const auto append = [](std::string& list, const std::string& json) {
    if (!json.empty()) list += (list.empty() ? "" : ",") + json;
  };
  for (const auto& [name, known] : known_) {
    if (!topic.service.empty() && name != topic.service) continue;
    if (!topic.rollout.empty() && known.rollout_id != topic.rollout) continue;
    append(rollouts, known.rollout);
    if (topic.rollout.empty()) append(services, known.service);
  }
  const bool has_sources = topic.service.empty() && topic.rollout.empty();
  return framed("snapshot", newest(),
                fmt::format(R"({{"services":[{}],"rollouts":[{}],"sources":{}}})", services,
                            rollouts, has_sources && !sources_.empty() ? sources_ : "[]"));
}

std::string EventLog::since(std::uint64_t number, const Topic& topic) const {
  std::string text;
  auto event = std::ranges::upper_bound(events_, number, {}, &Event::number);
  for (; event != events_.end(); ++event) {
    if (concerns(topic, *event)) text += event->text;
  }
  return text;
}

}  // namespace belay::monitor
