// What is deployed without a word: judged where the service wants it, else told.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sanitize.h"
#include "rules/language/units.h"
#include "rules/rollout/made_id.h"
#include "rules/rollout/rollout.h"

namespace belay::rules {
namespace {

/// What a life finds beside the one that has most of the traffic may have been there all along.
constexpr double kMostPercent = 50;

std::string words_of_unannounced(const Deployment::Share& share, bool is_attached) {
  return words_of(share) + ", which nobody announced: not judged" +
         (is_attached ? ", for it may have been there for long before this start"
                      : " (`attach: true` would)");
}

/// What an earlier life saw says who is new, and not who was there just before: that is what has
/// traffic beside it, else what the rollout that it ended was to go back to.
std::string beside(const Deployment& live, const std::string& version,
                   const std::deque<RolloutRecord>& records) {
  std::string other = largest_other(live, version);
  const bool has_ended_one = !records.empty() && records.back().state() == RolloutState::superseded;
  return other.empty() && has_ended_one ? records.back().status().baseline : other;
}

}  // namespace

void Rollout::look_for_new_versions(const Deployment& live, Instant now, Step& out) {
  // What comes while an action is on its way or watched is looked at when that is over.
  if (ladder_.is_walking() || moving_) {
    // What has gone meanwhile and comes again is new all the same.
    if (looked_at_)
      std::erase_if(looked_at_->versions, [&live](const Deployment::Share& share) {
        return share_of(live, share.version) <= 0;
      });
    return;
  }
  const std::optional<Deployment> before = std::exchange(looked_at_, live);
  for (const Deployment::Share& share : live.versions) {
    if (share.percent <= 0) continue;
    const bool is_new =
        before ? share_of(*before, share.version) <= 0 && !is_known(share.version, now)
               : share.percent > kMostPercent && has_come_meanwhile(share.version, now);
    if (!is_new) continue;
    // Of what nothing was judged for a day nobody knows since when it has been there.
    if (!service_.plan.rollout.is_attached_by_itself || (!before && records_.empty())) {
      unannounced_.arrived(share.version, now);
      continue;
    }
    RolloutStarted found{
        .at = now, .service = service_.plan.name, .candidate = share.version, .baseline = ""};
    if (before)
      found.baseline = before->at < start_ ? beside(live, share.version, records_)
                                           : largest_other(*before, share.version);
    if (!why_not_baseline(found.baseline, now).empty()) found.baseline.clear();
    found.id = made_id({"deployment", found.service, found.candidate, live.id}, {});
    found.steps =
        service_.plan.rollout.steps.empty() ? default_steps() : service_.plan.rollout.steps;
    found.by = "a deployment that nobody announced";
    return start(found, now, out);
  }
  for (const Deployment::Share& share : unannounced_.take_due(live, now))
    Teller(out, service_.plan.name, share.version, "", now)
        .notice(Notice::Kind::not_acted, false,
                words_of_unannounced(share, service_.plan.rollout.is_attached_by_itself))
        .severity = Severity::warning;
}

/// Whoever goes back to what was there before rolls nothing out: what he leaves is no version to
/// put in its place again.
bool Rollout::is_known(const std::string& version, Instant now) const {
  const std::optional<VersionHistory::Good> good = versions_.last_good(now);
  if ((good && version == good->version) || book_.was_put_back(service_.plan.name, version))
    return true;
  if (records_.empty()) return false;
  const RolloutStatus& newest = records_.back().status();
  // What was taken back and is deployed again is the worst news there is.
  const bool was_taken_back = book_.was_rolled_away(service_.plan.name, version);
  // Who took it out again and deploys it once more wants it judged once more.
  const bool is_over = newest.state == RolloutState::superseded;
  return newest.baseline == version ||
         (!was_taken_back && !is_over && newest.candidate == version &&
          now - newest.started < std::chrono::hours{24});
}

bool Rollout::has_come_meanwhile(const std::string& version, Instant now) const {
  if (records_.empty()) return versions_.last_good(now) && !is_known(version, now);
  const RolloutRecord& newest = records_.back();
  // However long ago it began: nothing has come since, unless it was taken out itself.
  const bool was_taken_out = book_.was_rolled_away(service_.plan.name, version) &&
                             is_final(newest.state()) && !newest.status().intents.empty();
  return !is_known(version, now) && (newest.status().candidate != version || was_taken_out);
}

std::string Rollout::replaced_meanwhile(const Deployment& live, Instant now) const {
  const RolloutRecord& record = records_.back();
  const RolloutStatus& status = record.status();
  // Of what Belay drives it knows what must be live. A gate may begin before its version is there.
  if (looked_at_ || !service_.plan.rollout.is_attached_by_itself || status.is_driving ||
      !record.has_begun() || status.started >= start_ || share_of(live, status.candidate) > 0)
    return {};
  const auto other =
      std::find_if(live.versions.begin(), live.versions.end(), [&](const Deployment::Share& share) {
        return share.percent > kMostPercent && has_come_meanwhile(share.version, now);
      });
  return other == live.versions.end() ? std::string() : other->version;
}

}  // namespace belay::rules
