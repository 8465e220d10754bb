#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "exporters/latest.h"
#include "exporters/sink.h"
#include "monitor/clock.h"
#include "monitor/inbox.h"
#include "monitor/journal.h"
#include "monitor/journal_lookup.h"
#include "rules/engine.h"

namespace belay::monitor {

/// The engine's thread: it drains the inbox, steps, makes durable what the step wants recorded, and
/// only then hands its orders on. It alone touches the engine and the journal.
class EngineLoop {
 public:
  struct Parts {
    Inbox& inbox;
    const Clock& clock;
    Journal* journal;  ///< Null: none could be opened. Nothing is acted upon.
    std::function<void(rules::Order)> submit;
    std::vector<exporters::Sink*> sinks;
    std::function<void(rules::PreflightAsked)> ask{};  ///< None: nobody answers.
    std::function<void(rules::Recall)> recall{};       ///< None: what was handed on is sent.
    JournalLookup* lookup = nullptr;  ///< Who else wants to read the journal; null: nobody.
  };

  EngineLoop(rules::Engine engine, Parts parts);

  /// Before run(): something that was wrong already when we came. It is told as a page.
  void tell_trouble(const std::string& why);

  /// Until `stop`; then takes what is still in the inbox, records it, and hands no order on: one
  /// that is made so late is open in the journal, and the next start resumes it.
  void run(std::stop_token stop);

  /// One round of run(), for who owns the time himself: the events go through one step of the
  /// engine, what it wants recorded is made durable, and only then its orders are handed on.
  void step(const std::vector<rules::Event>& events, bool is_last);

  /// Has `work` done on the loop's thread, between two steps, and waits for it. One caller at a
  /// time, while run() goes on. Timeout: the loop does not come round; nothing was done.
  using Work = std::function<Status(rules::Engine& engine)>;
  Status between_steps(Work work);

  /// Any thread. Time since the loop last came round; it does so at least every 250 ms.
  [[nodiscard]] std::chrono::nanoseconds since_progress() const;
  /// Any thread. The journal cannot be written: nothing is acted upon until there is room for all
  /// that it must hold, or, where it has failed, until the next start.
  [[nodiscard]] bool degraded() const { return degraded_.load(); }
  /// Any thread. Why nothing is acted upon, or soon could not be (a full disk); empty: all is well.
  [[nodiscard]] std::string journal_trouble() const;

 private:
  struct Asked {
    Work work;
    std::promise<Status> done;
  };
  void do_asked();
  void record_and_hand_on(rules::Step& made, bool is_last);
  void record(const std::vector<rules::JournalEntry>& entries);
  void write_unrecorded();
  void refuse(const std::vector<rules::Order>& orders, const std::string& why);
  void tell(bool is_page, std::string headline, std::string why);
  [[nodiscard]] bool is_full_paged_now();  ///< Not again for a while then.
  void note_trouble();
  void look_after_journal();
  void publish(bool now);

  rules::Engine engine_;
  Parts parts_;
  std::optional<Instant> published_at_;
  std::atomic<std::int64_t> progress_ns_;
  Instant recorded_until_ = Instant::min();      ///< The last step of which the next start knows.
  std::vector<rules::JournalEntry> unrecorded_;  ///< For which there was no room yet.
  Instant write_again_at_{};
  bool has_failed_;  ///< The journal, until the next start.
  std::atomic<bool> degraded_;
  std::atomic<Asked*> asked_ = nullptr;  ///< Whoever takes it out decides: done, or given up.
  bool is_troubled_ = false;
  bool is_all_clear_due_ = false;  ///< It was told that there is no room.
  std::optional<Instant> full_paged_at_;
  exporters::Latest<std::string> journal_trouble_;
};

}  // namespace belay::monitor
