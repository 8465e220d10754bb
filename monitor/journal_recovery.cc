#include "monitor/journal_recovery.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "exporters/json_fields.h"
#include "monitor/journal_rows.h"
#include "monitor/journal_text.h"
#include "monitor/rollout_text.h"
#include "rules/rollout/version_history.h"

namespace belay::monitor {
namespace {

using rules::JournalEntry;
using rules::Remembered;

constexpr Duration kRemembered = std::chrono::hours{24};

/// One reading of the whole journal. Every statement goes by an index: what it costs grows with the
/// number of records, not with its square, and texts are parsed only where they are needed.
class Recovery {
 public:
  Recovery(Database& database, Instant now) : rows_(database), now_(now) {}

  Result<Journal::Recovered> run() {
    for (const auto part :
         {&Recovery::actions, &Recovery::outcomes, &Recovery::disarmed, &Recovery::silenced,
          &Recovery::rollouts, &Recovery::verified, &Recovery::last_good, &Recovery::deployments}) {
      if (Status status = (this->*part)(); !status.ok()) return status.error();
    }
    recovered_.work = rows_.work();
    return std::move(recovered_);
  }

 private:
  [[nodiscard]] std::int64_t since() const {
    return (now_ - kRemembered).time_since_epoch().count();
  }

  Status actions() {
    const char* const sql =
        "SELECT at_ns, kind, service, rule, intent, text, is_open FROM (SELECT *, NOT EXISTS "
        "(SELECT 1 FROM entries o WHERE o.is_final = 1 AND o.intent = i.intent) AS is_open "
        "FROM entries i WHERE i.kind = 'intent') WHERE is_open OR at_ns >= ? ORDER BY seq";
    return rows_.each_entry(sql, since(), [&](const JournalEntry& entry, const Query& row) {
      return action(entry, row.integer(6) != 0);
    });
  }

  Status action(const JournalEntry& entry, bool is_open) {
    Result<rules::Order> order = order_of(entry);
    if (!order.ok()) return order.error();
    // A move that has ended is no action that a cap or a cooldown counts.
    if (!is_open && std::holds_alternative<rules::MoveTraffic>(order->action)) return Done{};
    const auto* rollback = std::get_if<rules::RollBack>(&order->action);
    recovered_.remembered.actions.push_back(
        {.at = entry.at,
         .service = entry.service,
         .intent = entry.intent,
         .target = rollback != nullptr ? rollback->target : std::string(),
         .is_open = is_open,
         .expected = rollback != nullptr ? rollback->expected : std::string()});
    if (!is_open) {
      ended_orders_.insert_or_assign(entry.intent, std::move(*order));
      return Done{};
    }
    recovered_.remembered.actions.back().order = *order;
    recovered_.open_orders.push_back(std::move(*order));
    return Done{};
  }

  Status outcomes() {
    const char* const sql =
        "SELECT at_ns, kind, service, rule, intent, text FROM entries "
        "WHERE kind = 'outcome' AND is_final = 1 AND at_ns >= ? ORDER BY seq";
    std::map<std::string, rules::ActionOutcome::Phase> phases;
    Status status = rows_.each_entry(sql, since(), [&](const JournalEntry& entry, const Query&) {
      if (const auto phase = final_phase_of(entry)) phases.insert_or_assign(entry.intent, *phase);
      return Status{Done{}};
    });
    for (Remembered::Action& action : recovered_.remembered.actions) {
      const auto found = phases.find(action.intent);
      if (!action.is_open && found != phases.end()) action.phase = found->second;
    }
    return status;
  }

  /// Brakes that still hold: for each key the last one that was written, if it is not over.
  template <typename Brake, typename KeyOf>
  Status brakes(const char* sql, Result<Brake> (*read)(const JournalEntry&), KeyOf key_of,
                std::vector<Brake>& found) {
    std::map<decltype(key_of(JournalEntry{})), Brake> latest;
    Status status = rows_.each_entry(sql, 0, [&](const JournalEntry& entry, const Query&) {
      Result<Brake> one = read(entry);
      if (!one.ok()) return Status{one.error()};
      latest[key_of(entry)] = std::move(*one);
      return Status{Done{}};
    });
    for (auto& [key, one] : latest) {
      if (one.until > now_) found.push_back(std::move(one));
    }
    return status;
  }

  Status disarmed() {
    return brakes(
        "SELECT at_ns, kind, service, rule, intent, text FROM entries "
        "WHERE kind = 'disarmed' AND seq >= ? ORDER BY seq",
        &disarmed_of, [](const JournalEntry& entry) { return entry.service; },
        recovered_.remembered.disarmed);
  }

  Status silenced() {
    return brakes(
        "SELECT at_ns, kind, service, rule, intent, text FROM entries "
        "WHERE kind = 'silenced' AND seq >= ? ORDER BY seq",
        &silenced_of,
        [](const JournalEntry& entry) {
          return std::pair{entry.service, entry.rule};
        },
        recovered_.remembered.silenced);
  }

  Status rollouts() {
    const char* const sql =
        "SELECT s.at_ns, s.kind, s.service, s.rule, s.intent, s.text, "
        "m.at_ns, m.kind, m.service, m.rule, m.intent, m.text, m.seq IS NOT NULL "
        "FROM entries s LEFT JOIN entries m ON m.seq = "
        "(SELECT max(e.seq) FROM entries e WHERE e.rollout = s.rollout AND e.rollout <> '' "
        "AND e.kind IN ('rollout_moved', 'rollout_ended')) "
        "WHERE s.kind = 'rollout_started' "
        "AND (m.seq IS NULL OR m.kind <> 'rollout_ended' OR m.at_ns >= ?) ORDER BY s.seq";
    const auto read_since = [&](std::int64_t since) {
      recovered_.remembered.rollouts.clear();
      return rows_.each_entry(sql, since, [&](const JournalEntry& entry, const Query& row) {
        return rollout(entry, row);
      });
    };
    if (Status status = read_since(since()); !status.ok()) return status;
    // Of a train that is under way all are remembered, however long ago they ended.
    std::int64_t earliest = since();
    for (const rules::RememberedRollout& one : recovered_.remembered.rollouts) {
      if (one.started.train_began && !is_final(one.state))
        earliest = std::min(earliest, one.started.train_began->time_since_epoch().count());
    }
    return earliest < since() ? read_since(earliest) : Status{Done{}};
  }

  Status rollout(const JournalEntry& entry, const Query& row) {
    Result<rules::RememberedRollout> begun = rollout_of(entry);
    if (!begun.ok()) return begun.error();
    rules::RememberedRollout rollout = std::move(begun).value();
    if (row.integer(12) != 0) {
      const Result<JournalEntry> moved = JournalRows::entry_in(row, 6);
      if (!moved.ok()) return moved.error();
      if (Status read = follow(*moved, rollout); !read.ok()) return read;
    }
    if (rollout.state == rules::RolloutState::promoted) {
      if (Status read = served_badly(rollout); !read.ok()) return read;
    }
    const char* const sql =
        "SELECT intent FROM entries WHERE rollout = ? AND rollout <> '' AND kind = 'intent' "
        "ORDER BY seq";
    Status status = rows_.each_row(sql, rollout.started.id, [&rollout](const Query& one) {
      rollout.intents.push_back(one.text(0));
    });
    recovered_.remembered.rollouts.push_back(std::move(rollout));
    return status;
  }

  /// Since when rules fired on a version after its promotion, if they did, and did not clear on it
  /// so long ago that it is forgotten.
  Status served_badly(rules::RememberedRollout& rollout) {
    const char* const sql =
        "SELECT at_ns, kind, rule, text FROM entries WHERE rollout = ?1 AND rollout <> '' AND kind "
        "IN ('fired', 'cleared') AND seq > (SELECT max(p.seq) FROM entries p WHERE p.rollout = ?1 "
        "AND p.rollout <> '' AND p.kind = 'rollout_ended') ORDER BY seq";
    std::map<std::string, Instant> fired;  // By rule.
    std::optional<Instant> bad;
    std::optional<Instant> cleared;
    Status status = rows_.each_row(sql, rollout.started.id, [&](const Query& row) {
      const auto text = exporters::parsed(row.text(3));
      if (!text.is_object() || exporters::text_in(text, "against").empty()) return;
      const Instant at{std::chrono::nanoseconds{row.integer(0)}};
      if (row.text(1) == "fired") {
        bad = fired[row.text(2)] = at;
      } else if (fired.erase(row.text(2)) > 0) {
        cleared = at;
      }
    });
    const bool is_fine_again =
        fired.empty() && cleared && now_ - *cleared >= rules::VersionHistory::kFineAgain;
    if (!is_fine_again) rollout.failing_since = bad;
    return status;
  }

  /// Whoever goes on verifying must know what was done, and what comes after it.
  Status verified() {
    std::set<std::string> intents;
    for (const rules::RememberedRollout& one : recovered_.remembered.rollouts) {
      if (one.state == rules::RolloutState::verifying && !one.intents.empty())
        intents.insert(one.intents.back());
    }
    for (Remembered::Action& action : recovered_.remembered.actions) {
      if (const auto order = ended_orders_.find(action.intent);
          order != ended_orders_.end() && intents.contains(action.intent))
        action.order = std::move(order->second);
    }
    return Done{};
  }

  Status last_good() {
    const char* const sql =
        "SELECT service, promoted FROM entries WHERE seq IN "
        "(SELECT max(p.seq) FROM entries p WHERE p.promoted <> '' AND p.service >= ? "
        // What its train took back after the promotion is the last good one no more.
        "AND NOT EXISTS (SELECT 1 FROM entries i WHERE i.rollout = p.rollout "
        "AND i.rollout <> '' AND i.kind = 'intent' AND i.seq > p.seq) GROUP BY p.service)";
    return rows_.each_row(sql, "", [this](const Query& row) {
      recovered_.remembered.last_good[row.text(0)] = row.text(1);
    });
  }

  Status deployments() {
    // One that its train took back ended twice, and was one deployment.
    const char* const sql =
        "SELECT at_ns, kind, service, rule, intent, text FROM entries WHERE seq IN "
        "(SELECT min(seq) FROM entries WHERE kind = 'rollout_ended' AND seq >= ? "
        "GROUP BY CASE rollout WHEN '' THEN seq ELSE rollout END) ORDER BY seq";
    return rows_.each_entry(sql, 0, [this](const JournalEntry& entry, const Query&) {
      const Result<rules::EndedRollout> ended = ended_rollout_of(entry);
      if (!ended.ok()) return Status{ended.error()};
      recovered_.remembered.deployments[entry.service].add(*ended);
      return Status{Done{}};
    });
  }

  JournalRows rows_;
  const Instant now_;
  std::map<std::string, rules::Order> ended_orders_;  // By intent.
  Journal::Recovered recovered_;
};

}  // namespace

Result<Journal::Recovered> recover_from(Database& database, Instant now) {
  return Recovery(database, now).run();
}

}  // namespace belay::monitor
