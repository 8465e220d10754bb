#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace belay::net {

/// Where a host answered last, in numbers: one for all calls to one host. Thread-safe.
class LastGoodAddress {
 public:
  void keep(std::string address) {
    const std::scoped_lock lock(mutex_);
    address_ = std::move(address);
  }
  /// Empty: it has not answered yet.
  [[nodiscard]] std::string get() const {
    const std::scoped_lock lock(mutex_);
    return address_;
  }

 private:
  mutable std::mutex mutex_;
  std::string address_;
};

}  // namespace belay::net
