#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "exporters/latest.h"
#include "exporters/sink.h"

namespace belay::monitor {

/// What the engine published last, for the API's thread. Told on the engine's thread, read on any.
class Newest : public exporters::Sink {
 public:
  static constexpr std::size_t kNoticesMax = 100;

  struct Published {
    std::uint64_t number = 0;  ///< Rises by one; begins with 1.
    rules::Snapshot snapshot;
  };
  struct Noted {
    std::uint64_t number = 0;  ///< Likewise.
    rules::Notice notice;
  };

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;
  /// Before the engine's thread starts: called on it after every change.
  void when_changed(std::function<void()> wake) { wake_ = std::move(wake); }

  /// Null until the engine has published.
  [[nodiscard]] std::shared_ptr<const Published> published() const { return published_.get(); }
  /// The last hundred, oldest first; null before the first.
  [[nodiscard]] std::shared_ptr<const std::deque<Noted>> notices() const { return notices_.get(); }

 private:
  exporters::Latest<Published> published_;
  exporters::Latest<std::deque<Noted>> notices_;
  std::function<void()> wake_;
  std::uint64_t publications_ = 0;  // The engine's thread only.
  std::uint64_t noticed_ = 0;       // Likewise.
};

}  // namespace belay::monitor
