#pragma once

#include <memory>
#include <utility>

namespace belay {

/// A value that lies elsewhere on the heap and is copied and moved like any other, so that a large
/// kind, seldom seen, does not make a variant large for all. Empty only once it was moved from.
template <typename T>
class Boxed {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): it stands for the value.
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Boxed(const Boxed& other) : Boxed(*other) {}
  Boxed(Boxed&&) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~Boxed() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

/// The value itself, whether or not it is boxed: for who visits a variant.
template <typename T>
const T& unboxed(const T& value) {
  return value;
}
template <typename T>
const T& unboxed(const Boxed<T>& value) {
  return *value;
}

}  // namespace belay
