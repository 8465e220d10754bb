#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace belay::exporters {

/// The newest value that one thread published, for any thread to read. A reader keeps what it got
/// for as long as it likes; neither side waits for the other for longer than a pointer's copy.
template <typename Value>
class Latest {
 public:
  void set(std::shared_ptr<const Value> value) {
    const std::lock_guard lock(mutex_);
    value_.swap(value);  // The old one is freed after the lock, by whoever held it last.
  }
  /// Null until the first set().
  [[nodiscard]] std::shared_ptr<const Value> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Value> value_;
};

}  // namespace belay::exporters
