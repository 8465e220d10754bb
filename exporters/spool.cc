#include "exporters/spool.h"

#include <algorithm>
#include <utility>

#include "exporters/kept_notice.h"

namespace belay::exporters {
namespace {

std::string kept_messages(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " kept message" : " kept messages");
}

}  // namespace

Spool::Spool(const std::filesystem::path& directory, Now now, Complain complain)
    : now_(std::move(now)), complain_(std::move(complain)) {
  Result<SpoolDirectory> opened = SpoolDirectory::open(directory);
  if (!opened) {
    complain_(opened.error().message + "; messages that wait are lost when Belay ends");
    return;
  }
  directory_.emplace(std::move(opened).value());
  load();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Spool::~Spool() = default;

void Spool::load() {
  const Result<std::vector<std::uint64_t>> numbers = directory_->numbers();
  if (!numbers) return complain_(numbers.error().message);
  if (!numbers->empty()) next_ = numbers->back() + 1;
  const std::size_t too_many = numbers->size() - std::min(numbers->size(), kKeptMax);
  std::size_t lost = too_many;
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const std::uint64_t number = (*numbers)[i];
    std::optional<KeptNotice> kept;
    if (i >= too_many) {
      const Result<std::string> text = directory_->read(number, kKeptBytesMax);
      if (text.ok()) kept = kept_notice_of(*text);
      lost += kept ? 0 : 1;
    }
    if (!kept) {
      note(directory_->remove(number), "the next start finds it again");
      continue;
    }
    files_.insert(number);
    left_[kept->route].push_back({.number = number, .notice = std::move(kept->notice)});
  }
  if (lost > 0) complain_(kept_messages(lost) + " lost: damaged, or too many");
}

std::uint64_t Spool::keep(const std::string& route, const rules::Notice& notice) {
  if (!directory_) return 0;
  const std::lock_guard lock(mutex_);
  const std::size_t kept = writes_.size() + files_.size();
  if (kept < kKeptMaxOfOthers) room_ = Room::there;
  if (kept >= (notice.page ? kKeptMax : kKeptMaxOfOthers)) {
    if (room_ == Room::there) room_ = Room::gone;
    changed_.notify_all();
    return 0;
  }
  writes_.push_back({next_, route, notice});
  changed_.notify_all();
  return next_++;
}

void Spool::forget(std::uint64_t number) {
  if (number == 0) return;
  const std::lock_guard lock(mutex_);
  const auto unwritten = std::find_if(writes_.begin(), writes_.end(), [number](const Write& write) {
    return write.number == number;
  });
  if (unwritten != writes_.end()) {
    writes_.erase(unwritten);
  } else if (files_.contains(number)) {
    removals_.push_back(number);
    changed_.notify_all();
  }
}

std::vector<Spool::Message> Spool::take(const std::string& route) {
  const Instant now = now_();
  const std::lock_guard lock(mutex_);
  const auto found = left_.find(route);
  if (found == left_.end()) return {};
  std::vector<Message> messages = std::move(found->second);
  left_.erase(found);
  // A clock that was set back makes nothing younger than new.
  for (Message& message : messages) message.age = std::max(now - message.notice.at, Duration{0});
  return messages;
}

bool Spool::leave(const std::string& route, Message message) {
  const std::lock_guard lock(mutex_);
  if (!is_kept(message.number)) return false;
  left_[route].push_back(std::move(message));
  return true;
}

void Spool::forget_left(Duration older_than) {
  const Instant now = now_();
  std::size_t lost = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [route, messages] : left_) {
      lost += std::erase_if(messages, [&](const Message& message) {
        const bool is_old = now - message.notice.at > older_than;
        if (is_old) removals_.push_back(message.number);
        return is_old;
      });
    }
    changed_.notify_all();
  }
  if (lost > 0) {
    complain_(kept_messages(lost) + " lost: nobody is told by their route any more");
  }
}

bool Spool::is_kept(std::uint64_t number) const {
  return files_.contains(number) ||
         std::any_of(writes_.begin(), writes_.end(),
                     [number](const Write& write) { return write.number == number; });
}

void Spool::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto has_work = [this] {
    return !removals_.empty() || !writes_.empty() || room_ == Room::gone;
  };
  // Once a stop was requested it waits no more, and does what there is to do.
  while (changed_.wait(lock, stop, has_work)) {
    if (!removals_.empty()) {
      remove_next(lock);  // First: they make room.
    } else if (room_ == Room::gone) {
      tell_full(lock);
    } else {
      write_next(lock, stop.stop_requested());
    }
  }
}

void Spool::remove_next(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t number = removals_.front();
  removals_.pop_front();
  lock.unlock();
  note(directory_->remove(number), "what was told may be told again by the next start");
  lock.lock();
  files_.erase(number);
}

void Spool::write_next(std::unique_lock<std::mutex>& lock, bool is_last) {
  const Write write = std::move(writes_.front());
  writes_.pop_front();
  files_.insert(write.number);
  lock.unlock();
  const Status written =
      directory_->write(write.number, text_of({.route = write.route, .notice = write.notice}));
  // A process that ends has no time for what only the machine's end could take.
  note(written && !is_last ? directory_->sync(write.number) : written,
       "messages that wait may be lost when Belay ends");
  lock.lock();
  if (!written) files_.erase(write.number);
}

/// The first failure after a success is told.
void Spool::note(const Status& done, const char* consequence) {
  if (!done && !is_failing_) complain_(done.error().message + "; " + consequence);
  is_failing_ = !done;
}

void Spool::tell_full(std::unique_lock<std::mutex>& lock) {
  room_ = Room::gone_and_told;
  lock.unlock();
  complain_(
      "there is no room to keep more of the messages that wait: further ones may be lost "
      "when Belay ends");
  lock.lock();
}

}  // namespace belay::exporters
