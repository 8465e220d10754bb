#include "rules/judgement/service_evidence.h"

#include <algorithm>

#include "rules/judgement/probe_watch.h"

namespace belay::rules {

std::string ProbeLog::Answer::words_of_failure() const {
  if (failure == ProbeFailure::none) return {};
  const std::string kind(name_of(failure));
  if (detail.empty()) return kind;
  const bool says_all = failure == ProbeFailure::other || detail.starts_with(kind);
  return says_all ? detail : kind + ": " + detail;
}

std::optional<std::string> ProbeLog::failure_in_row(Instant since) const {
  if (answers.size() < ProbeWatch::kInRow) return std::nullopt;
  const auto is_red = [&](const Answer& one) {
    return one.failure != ProbeFailure::none && one.at >= since;
  };
  if (!std::all_of(answers.end() - ProbeWatch::kInRow, answers.end(), is_red)) return std::nullopt;
  return answers.back().words_of_failure();
}

bool ProbeLog::is_doubtful(Instant from, Instant to, NameId but) const {
  std::deque<bool> newest;
  for (auto one = answers.rbegin(); one != answers.rend() && newest.size() < ProbeWatch::kNewest;
       ++one)
    if (one->at >= from && one->at <= to && one->version != but)
      newest.push_front(one->failure != ProbeFailure::none);
  return are_doubtful(newest);
}

bool ProbeLog::was_failing_from(Instant from, Instant to) const {
  // Of what has been forgotten nothing is known but that none of the rest passed.
  bool was_failing = answers.size() >= kAnswersMax && answers.front().at >= from;
  for (const Answer& one : answers) {
    if (one.at >= to) break;
    const bool is_failure = one.failure != ProbeFailure::none;
    if (one.at < from) was_failing = is_failure;
    if (one.at >= from && !is_failure) return false;
  }
  return was_failing;
}

std::optional<UnknownKind> ServiceEvidence::trouble_of(SourceKind kind, Instant now) const {
  std::optional<UnknownKind> worst;
  for (const std::uint32_t index : of_kind(kind))
    if (const std::optional<UnknownKind> trouble = source(index).trouble(now))
      worst = worst ? std::min(*worst, *trouble) : *trouble;
  return worst;
}

std::string ServiceEvidence::words_of_trouble(SourceKind kind, Instant now) const {
  const std::optional<UnknownKind> worst = trouble_of(kind, now);
  for (const std::uint32_t index : of_kind(kind))
    if (worst && source(index).trouble(now) == worst)
      return source(index).plan().name + source(index).words_of_trouble(now);
  return {};
}

std::vector<std::string> ServiceEvidence::names_of(SourceKind kind) const {
  std::vector<std::string> found;
  for (const std::uint32_t index : of_kind(kind)) found.push_back(source(index).plan().name);
  return found;
}

std::chrono::seconds ServiceEvidence::lag_of(SourceKind kind, Instant now) const {
  Duration most{};
  for (const std::uint32_t index : of_kind(kind)) most = std::max(most, source(index).lag(now));
  const auto whole = std::chrono::ceil<std::chrono::seconds>(most);
  return most < std::chrono::seconds{1} ? std::chrono::seconds{0} : whole;
}

bool ServiceEvidence::is_covered(SourceKind kind, Instant now, Duration over) const {
  const std::vector<std::uint32_t>& indices = of_kind(kind);
  return std::all_of(indices.begin(), indices.end(), [&](std::uint32_t index) {
    return source(index).covered(now, std::min(over, kWindowMax), Instant::min()) >= kCoverageMin;
  });
}

std::vector<std::string> ServiceEvidence::useless_logs(Instant now) const {
  std::vector<std::string> lines;
  for (const std::uint32_t index : of_kind(SourceKind::log)) {
    const SourceStatus status = source(index).status(now);
    std::uint64_t all = 0;
    std::string reasons;
    for (const auto& [reason, count] : status.rejected_total) {
      all += count;
      reasons += (reasons.empty() ? ": " : ", ") + std::to_string(count) + " " + reason;
    }
    if (status.used_total == 0 && all > 0)
      lines.push_back("source " + status.name + " gave " + std::to_string(all) +
                      " lines, and none of use" + reasons + " (`belay doctor` says more)");
  }
  return lines;
}

std::vector<std::string> ServiceEvidence::clock_troubles() const {
  std::vector<std::string> lines;
  for (const std::vector<std::uint32_t>& indexes : sources_by_kind)
    for (const std::uint32_t index : indexes)
      if (const std::string trouble = source(index).clock_trouble(); !trouble.empty())
        lines.push_back("source " + source(index).plan().name + ": " + trouble);
  return lines;
}

}  // namespace belay::rules
