#include "rules/rollout/live_traffic.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/sanitize.h"
#include "rules/language/units.h"

namespace belay::rules {
namespace {

/// A reading may be older than the one before it: so long nothing else must be read.
constexpr Duration kGoneFor = std::chrono::seconds{10};
/// What is ordered shows in parts: the platform's answers lag behind what it did.
constexpr Duration kForeignFor = std::chrono::seconds{30};
/// Platforms round.
constexpr double kPercentSlack = 0.5;

void note(std::optional<Instant>& since, bool is_so, Instant now) {
  if (!is_so) {
    since.reset();
  } else if (!since) {
    since = now;
  }
}

bool has_lasted(const std::optional<Instant>& since, Duration least, Instant now) {
  return since && now - *since >= least;
}

std::vector<std::string> versions_with_traffic(const Deployment& reading) {
  std::vector<std::string> versions;
  for (const Deployment::Share& share : reading.versions)
    if (share.percent > 0) versions.push_back(share.version);
  return versions;
}

}  // namespace

double share_of(const Deployment& deployment, const std::string& version) {
  double percent = 0;
  for (const Deployment::Share& share : deployment.versions)
    if (share.version == version) percent += share.percent;
  return percent;
}

bool has_share(const Deployment& deployment, const std::string& version, double percent) {
  return std::abs(share_of(deployment, version) - percent) <= kPercentSlack;
}

std::string words_of(const Deployment::Share& share) {
  return sanitize(share.version) + " at " + decimal_text(share.percent) + "%";
}

std::optional<double> LiveTraffic::percent_of(const std::string& version) const {
  if (!reading_ || reading_->versions.empty()) return std::nullopt;
  return share_of(*reading_, version);
}

void LiveTraffic::begin_rollout(bool is_candidate_live) {
  was_candidate_live_ = is_candidate_live;
  gone_since_.reset();
  foreign_since_.reset();
  stranger_since_.reset();
  at_start_.clear();
  if (reading_) at_start_ = versions_with_traffic(*reading_);
}

void LiveTraffic::go_on_with_rollout(const TrafficSeen& seen) {
  at_start_ = seen.at_start;
  was_candidate_live_ = seen.was_live;
}

void LiveTraffic::moved() {
  was_candidate_live_ = false;
  gone_since_.reset();
  foreign_since_.reset();
}

std::string LiveTraffic::stranger_in(const Deployment& reading, const Wanted& wanted) const {
  if (at_start_.empty()) return {};
  for (const Deployment::Share& share : reading.versions)
    if (share.percent > 0 && share.version != wanted.candidate &&
        share.version != wanted.baseline &&
        std::ranges::find(at_start_, share.version) == at_start_.end())
      return share.version;
  return {};
}

LiveTraffic::Finding LiveTraffic::read(
    const Deployment& reading, const Wanted& wanted,
    const std::function<bool(const std::string&)>& was_rolled_away, Instant now) {
  const double percent = share_of(reading, wanted.candidate);
  const std::string stranger = stranger_in(reading, wanted);
  note(gone_since_, was_candidate_live_ && percent <= 0, now);
  note(foreign_since_, wanted.percent && !has_share(reading, wanted.candidate, *wanted.percent),
       now);
  note(stranger_since_, !stranger.empty(), now);
  Finding finding;
  // What we rolled away may stand in a reading of before that.
  const bool is_new = !stranger.empty() &&
                      (!was_rolled_away(stranger) || has_lasted(stranger_since_, kGoneFor, now));
  if (has_lasted(gone_since_, kGoneFor, now)) {
    finding.taken_over = "someone took " + wanted.candidate + " out";
  } else if (is_new) {
    finding.taken_over = "someone deployed " + sanitize(stranger);
  } else if (has_lasted(foreign_since_, kForeignFor, now)) {
    finding.taken_over = "someone else moved the traffic of " + wanted.candidate + " to " +
                         decimal_text(percent) + "%";
  }
  finding.is_doubted = !finding.taken_over && !stranger.empty();
  if (finding.is_doubted) return finding;
  reading_ = reading;
  if (at_start_.empty()) at_start_ = versions_with_traffic(reading);
  was_candidate_live_ = was_candidate_live_ || percent > 0;
  return finding;
}

}  // namespace belay::rules
