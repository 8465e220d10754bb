#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/secret.h"
#include "exporters/notice_text.h"
#include "exporters/outbox.h"
#include "exporters/route.h"

namespace belay::exporters {

/// Tells a channel of Slack through an incoming webhook. Such a webhook can neither thread nor
/// edit: each notice is a message of its own.
class Slack : public Route {
 public:
  struct Options {
    Secret webhook;              ///< Its URL: who knows it can write to the channel.
    CommandsByService commands;  ///< By the service's name.
    std::chrono::milliseconds deadline{10'000};  ///< Of one attempt.
    std::optional<std::string> ca_file;          ///< Instead of the system's authorities.
    /// A day: for as long as the engine remembers a rollout, someone may want to hear of it.
    Outbox::Limits limits{.give_up_after = std::chrono::hours{24}};
    Keeping keeping{};
  };
  /// `complain` takes one line for the log, without the URL; called on the sink's thread.
  Slack(Options options, NotificationCounts counts, Outbox::Complain complain);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;
  void begin_to_end() override { outbox_.begin_to_end(); }

 private:
  [[nodiscard]] Outbox::Attempt deliver(const Outbox::Batch& batch, std::stop_token stop) const;
  const Options options_;
  Outbox outbox_;  // Last: its thread uses the options.
};

}  // namespace belay::exporters
