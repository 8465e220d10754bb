#include "monitor/heartbeat.h"

#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "monitor/sources/cadence.h"
#include "net/http_client.h"

namespace belay::monitor {
namespace {

constexpr std::chrono::seconds kDeadline{10};

}  // namespace

Heartbeat::Heartbeat(Secret url, Duration every, std::function<bool()> is_alive)
    : url_(std::move(url)),
      every_(every),
      is_alive_(std::move(is_alive)),
      thread_([this](const std::stop_token& stop) {
        do {
          if (is_alive_()) beat(stop);
        } while (wait_for(every_, stop));
      }) {}

void Heartbeat::beat(const std::stop_token& stop) const {
  const auto answer = net::http_call({.url = url_.reveal(), .deadline = kDeadline}, stop);
  if (stop.stop_requested()) return;
  if (const auto* fault = std::get_if<net::HttpFault>(&answer)) {
    spdlog::warn("the heartbeat did not arrive: {}", fault->message);
    return;
  }
  const int status = std::get<net::HttpResponse>(answer).status;
  if (status < 200 || status > 299) {
    spdlog::warn("the heartbeat was not taken: it was answered with status {}", status);
  }
}

}  // namespace belay::monitor
