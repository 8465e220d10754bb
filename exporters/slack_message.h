#pragma once

#include <string>

#include "exporters/notice_text.h"
#include "exporters/outbox.h"

namespace belay::exporters {

/// Slack refuses a message beyond these (reference: docs.slack.dev, "Blocks"; the total is not
/// documented: slackapi/bolt-js#2509).
inline constexpr std::size_t kSlackMessageBytesMax = 12'000;
inline constexpr std::size_t kSlackSectionBytesMax = 3'000;
inline constexpr std::size_t kSlackHeaderBytesMax = 150;

/// The body of a POST to an incoming webhook: one attachment a notice, coloured by severity, within
/// Slack's limits whatever the notices hold. Hostile text is plain text in it: no mention, no link,
/// no formatting.
std::string slack_message(const Outbox::Batch& batch, const CommandsByService& commands);

}  // namespace belay::exporters
