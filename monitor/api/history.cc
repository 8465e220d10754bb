#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "exporters/journal_words.h"
#include "exporters/json.h"
#include "monitor/api/past.h"
#include "monitor/api/routes.h"
#include "monitor/api/views.h"
#include "monitor/journal_text.h"

namespace belay::monitor {
namespace {

using nlohmann::ordered_json;
using Kind = rules::JournalEntry::Kind;

constexpr std::uint64_t kEntriesDefault = 50;
constexpr std::uint64_t kEntriesMax = 500;
/// Clocks are set, and lives of the daemon follow each other: the journal's order is not quite that
/// of its times.
constexpr Duration kSlack = std::chrono::hours{1};
constexpr std::array kKinds = {Kind::rollout_started, Kind::rollout_moved, Kind::rollout_ended,
                               Kind::commanded,       Kind::intent,        Kind::outcome,
                               Kind::verified,        Kind::disarmed,      Kind::silenced};

struct Asked {
  std::string service;
  Instant since = Instant::min();
  std::uint64_t limit = kEntriesDefault;
  std::uint64_t before = 0;
};

std::optional<std::uint64_t> number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

std::variant<Asked, Problem> asked_of(const Call& call) {
  Asked asked;
  const auto wrong = [](const char* field, const char* what) {
    return Problem{Problem::Kind::bad_request, what, {{"field", field}}};
  };
  for (const auto& [name, value] : call.query) {
    if (name == "service") asked.service = value;
    if (name == "since") {
      const std::optional<Duration> ago = parse_duration(value);
      const std::optional<Instant> at = parse_rfc3339(value);
      if (!ago && !at) return wrong("since", "since is a duration (24h) or a time in RFC 3339");
      const Instant now = call.context.parts.now();
      const bool is_older_than_time = ago && *ago > now.time_since_epoch();
      asked.since = at ? *at : is_older_than_time ? Instant{} : now - *ago;
    }
    if (name == "limit") {
      const auto limit = number_in(value);
      if (!limit || *limit > kEntriesMax) return wrong("limit", "limit is a number from 1 to 500");
      asked.limit = *limit;
    }
    if (name == "cursor") {
      const auto before = number_in(value);
      if (!before) return wrong("cursor", "cursor is the `next` of the answer before");
      asked.before = *before;
    }
  }
  return asked;
}

bool wants(const Asked& asked, const rules::JournalEntry& entry) {
  if (entry.at < asked.since) return false;
  const bool is_for_all = entry.service.empty();  // A brake on everything.
  if (!asked.service.empty() && entry.service != asked.service && !is_for_all) return false;
  return entry.kind == Kind::notice ||
         std::find(kKinds.begin(), kKinds.end(), entry.kind) != kKinds.end();
}

/// Pages of the journal, until there is enough.
class HistoryPage {
 public:
  /// `unknown`: the answer where nobody has such a service now, and all of the past says nothing of
  /// one either.
  HistoryPage(Asked asked, std::optional<net::Outgoing> unknown)
      : asked_(std::move(asked)), unknown_(std::move(unknown)) {}

  [[nodiscard]] JournalLookup::Question question() const {
    return Journal::LookBack{.before = asked_.before,
                             .entries_max = JournalLookup::kEntriesMax,
                             .wants = [asked = asked_](const rules::JournalEntry& entry) {
                               return wants(asked, entry);
                             }};
  }

  std::variant<net::Outgoing, JournalLookup::Question> take(const Journal::Past& past) {
    for (const auto& [number, entry] : past.entries) {
      // Here and not in wants(), which costs the engine's thread its time.
      if (entry.kind == Kind::notice && !exporters::tells_more(entry)) continue;
      if (entries_.size() == asked_.limit) return answer(last_);
      has_own_ = has_own_ || entry.service == asked_.service;
      ordered_json one{{"number", number}, {"kind", name_of(entry.kind)}};
      one.update(exporters::json_of(entry));
      entries_.push_back(std::move(one));
      last_ = number;
    }
    // Whatever comes is older by more than any clock was set.
    const bool is_before = asked_.since > Instant::min() && past.reached < asked_.since - kSlack;
    if (past.next == 0 && unknown_ && !has_own_) return *std::move(unknown_);
    if (past.next == 0 || is_before) return answer(0);
    if (entries_.size() == asked_.limit) return answer(past.next);
    asked_.before = past.next;
    return question();
  }

 private:
  [[nodiscard]] net::Outgoing answer(std::uint64_t next) const {
    ordered_json json{{"entries", entries_}};
    if (next > 0) json["next"] = std::to_string(next);
    return answer_json(json);
  }

  Asked asked_;
  std::optional<net::Outgoing> unknown_;
  bool has_own_ = false;
  ordered_json entries_ = ordered_json::array();
  std::uint64_t last_ = 0;
};

}  // namespace

net::Outgoing show_history(const Call& call) {
  std::variant<Asked, Problem> asked = asked_of(call);
  if (const auto* problem = std::get_if<Problem>(&asked)) return call.refuse(*problem);
  auto& wanted = std::get<Asked>(asked);
  std::optional<net::Outgoing> unknown;
  if (!wanted.service.empty()) {
    const auto published = call.context.newest.published();
    const rules::ServiceStatus* service = service_of(published->snapshot, wanted.service);
    if (service != nullptr) {
      wanted.service = service->name;
    } else if (wanted.before == 0) {
      unknown = call.refuse(
          {Problem::Kind::unknown_service,
           "no service is called " + wanted.service + ", and the journal has nothing of one",
           {{"field", "service"}}});
    }
  }
  auto page = std::make_shared<HistoryPage>(std::move(wanted), std::move(unknown));
  return look_into_past(call, page->question(), [page](const JournalLookup::Found& found) {
    return page->take(std::get<Journal::Past>(found));
  });
}

}  // namespace belay::monitor
