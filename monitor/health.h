#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "exporters/latest.h"
#include "exporters/sink.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// How our own threads stand, asked for at every answer.
struct ThreadProgress {
  std::chrono::nanoseconds since_engine_step{};
  bool actor_is_stuck = false;
  std::string journal_trouble;  ///< Why nothing is or could be acted upon; empty: all is well.
};

/// Answers whether this process works (/healthz: restart it if not) and whether it can be relied on
/// (/readyz: with the reasons if not). Never constant: both are computed from what the threads did.
class Health : public exporters::Sink {
 public:
  /// The engine steps four times a second; a machine under load may hold it up for a moment.
  static constexpr std::chrono::seconds kEngineSilenceMax{5};

  explicit Health(std::function<ThreadProgress()> progress) : progress_(std::move(progress)) {}

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& /*notice*/) override {}

  /// Any thread. Empty: it works.
  [[nodiscard]] std::vector<std::string> why_not_alive() const;
  [[nodiscard]] std::vector<std::string> why_not_ready() const;

  /// 200, or 503 with the reasons as JSON.
  [[nodiscard]] net::Outgoing healthz() const;
  [[nodiscard]] net::Outgoing readyz() const;

 private:
  struct Source {
    std::string name;
    std::string why_not;  ///< Empty: connected.
  };
  std::function<ThreadProgress()> progress_;
  exporters::Latest<std::vector<Source>> sources_;
};

}  // namespace belay::monitor
