#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/result.h"
#include "exporters/latest.h"
#include "monitor/journal.h"

namespace belay::monitor {

/// How another thread reads the journal, which the engine's thread alone may touch: it leaves one
/// question, and finds the answer later. Each is answered between two steps of the engine and costs
/// it a bounded time, some two milliseconds; so there is one at a time.
class JournalLookup {
 public:
  /// All that one question may look at.
  static constexpr std::size_t kEntriesMax = 2'000;

  struct OfRollout {
    std::string rollout;
  };
  using Question = std::variant<OfRollout, Journal::LookBack>;
  using Found = std::variant<Journal::OfRollout, Journal::Past>;
  struct Answer {
    std::uint64_t number = 0;
    Result<Found> found;
  };
  /// Of who has asked: its question stands, and no other is taken, as long as it is kept.
  using Ticket = std::shared_ptr<const std::uint64_t>;

  /// The asking thread; always the same one. Null while another question stands.
  Ticket ask(Question question);
  /// The asking thread. Null: not yet.
  [[nodiscard]] std::shared_ptr<const Answer> answer(const Ticket& ticket) const;

  /// The engine's thread: answers what was asked, if anything was. Null: there is no journal.
  void serve(Journal* journal);
  /// Before the threads start: called on the asking one when there is a question, so that the
  /// engine does not finish its wait first.
  void when_asked(std::function<void()> wake) { wake_engine_ = std::move(wake); }
  /// Before the engine's thread starts: called on it when there is an answer.
  void when_answered(std::function<void()> wake) { wake_ = std::move(wake); }

 private:
  struct Asked {
    std::uint64_t number = 0;
    Question question;
  };
  exporters::Latest<Asked> asked_;
  exporters::Latest<Answer> answer_;
  std::uint64_t numbers_ = 0;                    // The asking thread's.
  std::weak_ptr<const std::uint64_t> standing_;  // Likewise.
  std::uint64_t served_ = 0;                     // The engine's thread's.
  std::function<void()> wake_;
  std::function<void()> wake_engine_;
};

}  // namespace belay::monitor
