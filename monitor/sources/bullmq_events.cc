#include "monitor/sources/bullmq_events.h"

#include <charconv>
#include <utility>

namespace belay::monitor {
namespace {

using net::RedisReply;

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc{} && end == text.data() + text.size();
}

/// The value after `name` in a flat list of names and values.
const RedisReply* value_of(const RedisReply& list, std::string_view name) {
  for (std::size_t at = 0; at + 1 < list.items.size(); at += 2) {
    if (list.items[at].text == name) return &list.items[at + 1];
  }
  return nullptr;
}

std::string_view text_of(const RedisReply& list, std::string_view name) {
  const RedisReply* value = value_of(list, name);
  return value == nullptr ? std::string_view() : std::string_view(value->text);
}

}  // namespace

std::optional<StreamId> StreamId::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  StreamId id;
  if (dash == std::string_view::npos || !parse_number(text.substr(0, dash), id.ms) ||
      !parse_number(text.substr(dash + 1), id.sequence)) {
    return std::nullopt;
  }
  return id;
}

std::string StreamId::text() const { return std::to_string(ms) + "-" + std::to_string(sequence); }

std::optional<StreamState> StreamState::parse(const RedisReply& reply) {
  if (reply.kind == RedisReply::Kind::error && reply.text == "ERR no such key") {
    return StreamState{.added = 0};
  }
  const std::optional<StreamId> last = StreamId::parse(text_of(reply, "last-generated-id"));
  if (!last) return std::nullopt;
  StreamState state{.last = *last};
  const RedisReply* first = value_of(reply, "first-entry");
  if (first != nullptr && !first->items.empty()) {
    state.first = StreamId::parse(first->items[0].text);
  }
  const RedisReply* added = value_of(reply, "entries-added");
  if (added != nullptr && added->kind == RedisReply::Kind::integer) {
    state.added = static_cast<std::uint64_t>(added->integer);
  }
  return state;
}

void QueueEvents::restart() { *this = QueueEvents(); }

void QueueEvents::expect(const StreamState& state) {
  const bool was_deleted =
      last_read_ && (state.last < *last_read_ ||
                     (counted_up_to_ && state.added && *state.added < *counted_up_to_));
  if (was_deleted) restart();
  has_lost_ |= was_deleted;
  has_begun_now_ = !last_read_;
  if (has_begun_now_) {
    last_read_ = state.last;
    counted_up_to_ = state.added;
  }
  // Before Redis 7 only the oldest entry can tell that some went unseen.
  const bool is_ahead = *last_read_ != StreamId{} && state.first && *state.first > *last_read_ &&
                        state.last > *last_read_;
  if (!state.added && is_ahead) has_lost_ = true;
  read_ += std::exchange(read_ahead_, 0);
  expected_ = state;
}

std::optional<std::string> QueueEvents::read_from() const {
  if (!last_read_) return std::nullopt;
  return last_read_->text();
}

bool QueueEvents::feed(const RedisReply& reply) {
  // XREAD: nil, or [[key, [[id, [field, value, ...]], ...]]].
  if (reply.items.empty() || reply.items[0].items.size() < 2) return false;
  const std::vector<RedisReply>& entries = reply.items[0].items[1].items;
  for (const RedisReply& entry : entries) {
    if (entry.items.size() < 2) continue;
    const std::optional<StreamId> id = StreamId::parse(entry.items[0].text);
    if (id) take(*id, entry.items[1]);
  }
  return entries.size() >= kEntriesPerRead;
}

void QueueEvents::take(StreamId id, const RedisReply& fields) {
  last_read_ = id;
  ++(expected_ && id > expected_->last ? read_ahead_ : read_);
  count(text_of(fields, "event"), text_of(fields, "jobId"), text_of(fields, "prev"));
}

void QueueEvents::count(std::string_view event, std::string_view job, std::string_view previous) {
  const std::string added_before = std::exchange(added_job_, {});
  if (event == "stalled") {
    ++flow_.stalled;
    if (waiting_job_ == job) waiting_job_.clear();  // It was put back, nobody tried again.
  }
  settle_waiting();
  if (event == "added") {
    added_job_ = job;
  } else if (event == "waiting" && (previous == "active" || previous == "failed")) {
    waiting_job_ = job;
  } else if (event == "delayed" && added_before != job) {
    ++flow_.retries;
  } else if (event == "failed") {
    ++flow_.failed_attempts;
  } else if (event == "completed") {
    ++flow_.completed;
  }
}

void QueueEvents::settle_waiting() {
  if (!waiting_job_.empty()) ++flow_.retries;
  waiting_job_.clear();
}

QueueEvents::Outcome QueueEvents::finish(bool is_caught_up) {
  // `waiting` and `stalled` are written at once: with nothing behind it, it was a retry.
  if (is_caught_up) settle_waiting();
  Outcome outcome{.has_lost = std::exchange(has_lost_, false)};
  if (is_caught_up && expected_ && expected_->added && counted_up_to_) {
    const std::uint64_t added = *expected_->added - *counted_up_to_;
    if (added > read_) {
      outcome.has_lost = true;
      outcome.lost = added - read_;
    }
    counted_up_to_ = expected_->added;
    read_ = 0;
  }
  rules::QueueSample::Flow flow = std::exchange(flow_, {});
  flow.failed_attempts += flow.retries;
  if (!outcome.has_lost && !has_begun_now_) outcome.flow = flow;
  return outcome;
}

}  // namespace belay::monitor
