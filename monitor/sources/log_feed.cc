#include "monitor/sources/log_feed.h"

#include <chrono>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "monitor/parse/rejection.h"

namespace belay::monitor {
namespace {

/// Whose clock was right, the machine's before it was set or after, shows in the log: what is
/// written now is of now.
void move_nearer(Instant now, Duration ahead, Instant& at) {
  if (std::chrono::abs(at + ahead - now) < std::chrono::abs(at - now)) at += ahead;
}

/// Of the events that a parser makes; the states of a source are of now.
void move_nearer(Instant now, Duration ahead, rules::Event& event) {
  if (auto* request = std::get_if<rules::Request>(&event)) move_nearer(now, ahead, request->at);
  if (auto* thrown = std::get_if<rules::Thrown>(&event)) move_nearer(now, ahead, thrown->at);
}

}  // namespace

LogFeed::LogFeed(const LogParserOptions& options, Lane& lane, const Clock& clock)
    : parser_(options),
      source_(options.source),
      source_name_(options.source_name),
      lane_(lane),
      clock_(clock) {}

LogFeed::~LogFeed() { say(); }

void LogFeed::bytes(std::string_view bytes) {
  parser_.feed(bytes, clock_.now(), events_);
  send();
}

void LogFeed::finish() {
  parser_.finish(clock_.now(), events_);
  send();
}

void LogFeed::reset() { parser_.reset(); }

void LogFeed::send() {
  if (const Duration ahead = clock_.ahead_of_wall(); ahead != Duration::zero())
    for (rules::Event& event : events_) move_nearer(clock_.now(), ahead, event);
  for (auto& defined : parser_.interner().take_defined()) lane_.deliver(std::move(defined));
  // A platform's overload messages are states of this source, and outlive the message.
  std::erase_if(events_, [&](rules::Event& event) {
    auto* state = std::get_if<rules::SourceState>(&event);
    if (state == nullptr) return false;
    is_sampled_ = state->health == rules::SourceHealth::sampled;
    sampled_detail_ = std::move(state->detail);
    say();
    return true;
  });
  is_promised_ ? lane_.offer_whole(events_) : lane_.offer_all(events_);
}

void LogFeed::gap(Instant since, std::string reason) {
  const Instant now = clock_.now();
  lane_.deliver(rules::SourceGap{
      .source = source_, .at = now, .span = now - since, .lost = 0, .reason = std::move(reason)});
}

void LogFeed::set_health(rules::SourceHealth health, std::string detail) {
  if (health == health_ && detail == detail_ && said_ != Instant{}) return;
  health_ = health;
  detail_ = std::move(detail);
  say();
}

void LogFeed::beat() {
  constexpr Duration kEvery = std::chrono::milliseconds{500};
  if (clock_.now() - said_ >= kEvery) say();
}

void LogFeed::admit_losses() {
  const std::uint64_t documents = parser_.documents() - documents_said_;
  const std::uint64_t lost_in_all = parser_.unreadable();
  const std::uint64_t lost = lost_in_all - std::exchange(lost_said_, lost_in_all);
  documents_said_ = parser_.documents();
  if (!is_too_much_lost(lost, documents)) return;
  const Instant now = clock_.now();
  const Instant since = said_ == Instant{} ? now : said_;
  lane_.deliver(rules::SourceGap{
      .source = source_, .at = now, .span = now - since, .lost = lost, .reason = "unreadable"});
  if (std::exchange(has_logged_loss_, true)) return;
  spdlog::warn(
      "{}: {} of {} documents cannot be read, and may be what fails: rules over this time are "
      "unknown while that goes on; see belay_source_rejected_total",
      source_name_, lost, documents);
}

void LogFeed::say() {
  const bool sampled = is_sampled_ && health_ == rules::SourceHealth::alive;
  admit_losses();
  said_ = clock_.now();
  lane_.deliver(rules::SourceState{.source = source_,
                                   .at = said_,
                                   .health = sampled ? rules::SourceHealth::sampled : health_,
                                   .detail = sampled ? sampled_detail_ : detail_});
  rules::SourceProgress progress{.source = source_,
                                 .at = said_,
                                 .documents = parser_.documents(),
                                 .used = parser_.used(),
                                 .bytes = parser_.bytes()};
  for (const auto& [reason, count] : parser_.rejected()) {
    progress.rejected.push_back({.reason = reason, .count = count});
  }
  lane_.deliver(std::move(progress));
  log_new_rejections();
  if (!has_logged_versions_ && parser_.interner().overflowed(TextUse::version) > 0) {
    has_logged_versions_ = true;
    spdlog::warn("{}: more than {} versions: new ones count as \"other\", and cannot be judged",
                 source_name_, Interner::kVersionsMax);
  }
}

void LogFeed::log_new_rejections() {
  if (parser_.first_rejected().size() == reasons_logged_.size()) return;
  for (const auto& [reason, document] : parser_.first_rejected()) {
    if (reasons_logged_.insert(reason).second) {
      spdlog::warn("{}: first document rejected as {}: {}", source_name_, reason, document);
    }
  }
}

}  // namespace belay::monitor
