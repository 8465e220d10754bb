#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "exporters/spool_directory.h"
#include "rules/order.h"

namespace belay::exporters {

/// The messages that wait to be delivered, as files in a directory of their own, so that they
/// outlive the process (docs/adr/0012). Whoever delivers holds them in memory as well: a disk that
/// is full, slow or damaged costs what would have outlived us, and nothing else. One for all
/// routes, and it outlives them: a reload makes other ones.
class Spool {
 public:
  struct Message {
    std::uint64_t number = 0;  ///< 0: not kept. Rises with every message.
    rules::Notice notice;
    Duration age{};  ///< Since it happened.
  };
  /// Engine time. Any thread.
  using Now = std::function<Instant()>;
  /// Takes one line for the log. Called by the constructor, by forget_left(), and on a thread of
  /// our own.
  using Complain = std::function<void(const std::string&)>;
  /// Of all routes together. With kKeptBytesMax for each it is half of what the journal has in
  /// reserve for a full disk.
  static constexpr std::size_t kKeptMax = 512;
  /// The rest is for pages alone.
  static constexpr std::size_t kKeptMaxOfOthers = kKeptMax / 2;

  /// Reads what an earlier life has left. Damaged messages are removed, and so are the oldest
  /// beyond kKeptMax. If the directory cannot be used nothing is kept, and `complain` hears why.
  Spool(const std::filesystem::path& directory, Now now, Complain complain);
  /// Writes what is still to be written: in milliseconds, unless the disk hangs.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Any thread; returns at once, for a thread of our own writes it. Gives its number: 0 if there
  /// is no place for it, which `complain` hears once until there is room again.
  std::uint64_t keep(const std::string& route, const rules::Notice& notice);
  /// It was told, or will not be. Any thread; returns at once.
  void forget(std::uint64_t number);

  /// Hands over, oldest first, what nobody tells just now: what an earlier life has left, and what
  /// leave() has. Any thread.
  std::vector<Message> take(const std::string& route);
  /// Gives back what take() or keep() gave, for whoever takes it next: another route of that name,
  /// or the next start. False if it is not kept.
  bool leave(const std::string& route, Message message);
  /// Forgets what nobody has taken and is older: its route is not configured any more.
  void forget_left(Duration older_than);

 private:
  struct Write {
    std::uint64_t number = 0;
    std::string route;
    rules::Notice notice;
  };
  void load();
  void run(const std::stop_token& stop);
  void remove_next(std::unique_lock<std::mutex>& lock);
  void write_next(std::unique_lock<std::mutex>& lock, bool is_last);
  void note(const Status& done, const char* consequence);
  void tell_full(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool is_kept(std::uint64_t number) const;

  const Now now_;
  const Complain complain_;
  std::optional<SpoolDirectory> directory_;  // Our thread's own once it runs.
  bool is_failing_ = false;                  // As the directory.

  mutable std::mutex mutex_;  // Guards what follows, down to the thread. Never held over I/O.
  std::condition_variable_any changed_;
  std::uint64_t next_ = 1;
  enum class Room : std::uint8_t { there, gone, gone_and_told } room_ = Room::there;
  std::deque<Write> writes_;
  std::deque<std::uint64_t> removals_;
  std::set<std::uint64_t> files_;  // There, or being written.
  std::map<std::string, std::vector<Message>> left_;
  std::jthread thread_;  // Last: it uses all of the above.
};

/// Where the messages of a route are kept.
struct Keeping {
  Spool* spool = nullptr;  ///< Null: nowhere. Outlives the route.
  std::string route;       ///< One name for each, the same after a restart: "slack-page".
};

}  // namespace belay::exporters
