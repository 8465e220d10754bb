#include "tests/simulation/traffic.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace belay::simulation {

using namespace std::chrono_literals;

namespace {

/// "belay " and the intent.
constexpr std::size_t kMarkBytes = 42;

constexpr double kRequestsPerSecond = 60;
constexpr double kErrorsOfAGoodVersion = 0.004;

}  // namespace

double Traffic::badness(const std::string& version, Instant at) const {
  const auto found = bad_.find(version);
  return found == bad_.end() ? 0 : found->second.at(at);
}

void Traffic::heal() {
  silent_until_ = {};
  crowded_ = {};
  quiet_ = {};
  starving_ = {};
  clung_.reset();
}

double Traffic::clung_percent(const std::string& version, Instant now, Duration over) const {
  if (!clung_ || now >= clung_->until || clung_->from > now - over) return 0;
  if (std::max(scarce_until_, told_since_) > now - over) return 0;
  const auto found =
      std::ranges::find(clung_->versions, version, &monitor::CloudflareDeployment::Share::version);
  return found == clung_->versions.end() ? 0 : found->percent;
}

const std::vector<monitor::CloudflareDeployment::Share>& Traffic::split(Instant now,
                                                                        const Faults& faults) {
  const std::vector<Worker::Deployed>& all = worker_.all();
  if (all.size() != deployed_) {
    deployed_ = all.size();
    clung_.reset();
    // A move to everything looks the same, but for its reason.
    const std::string& message = worker_.live().message;
    const bool is_move = message.find(" step ") == kMarkBytes;
    const bool is_back =
        message.starts_with("belay ") && !is_move && worker_.live().versions.size() == 1;
    if (is_back && chance_.chance(faults.clings))
      clung_ = Clung{now, now + chance_.between(5s, 60s), all[all.size() - 2].what.versions};
  }
  return clung_ && now < clung_->until ? clung_->versions : worker_.live().versions;
}

std::optional<std::string> Traffic::disturb(const Faults& faults, Seeded& trouble, Instant now,
                                            Duration span) {
  const auto happens = [&](double each_minute) {
    return trouble.chance(each_minute / 60 * seconds(span) / 2);
  };
  if (happens(faults.crowds)) {
    crowded_ = {now, now + trouble.between(5s, 60s), 0.5};
    return "many are turned away by " + worker_.service();
  }
  if (happens(faults.lulls)) {
    quiet_ = {now, now + trouble.between(5s, 60s), 0.01};
    scarce_until_ = std::max(scarce_until_, quiet_.until);
    return "hardly anybody calls " + worker_.service();
  }
  if (happens(faults.hungers)) {
    starved_ = worker_.live().versions.front().version;
    starving_ = {now, now + trouble.between(5s, 60s), 1};
    scarce_until_ = std::max(scarce_until_, starving_.until);
    return "nobody gets to " + starved_ + " of " + worker_.service();
  }
  return std::nullopt;
}

rules::TextId Traffic::text(const std::string& text, monitor::Lane& lane) {
  const auto known = texts_.find(text);
  if (known != texts_.end()) return known->second;
  const rules::TextId id{static_cast<std::uint32_t>(texts_.size() + 1)};
  texts_.emplace(text, id);
  lane.deliver(rules::TextDefined{.source = source_, .id = id, .text = text});
  return id;
}

void Traffic::offer(const rules::RequestSecond& second, monitor::Lane& lane) {
  counts.offered += second.count;
  if (!lane.offer(second)) counts.dropped += second.count;
}

void Traffic::log(const std::string& version, std::uint16_t status, std::uint32_t count, Instant at,
                  const Faults& faults, monitor::Lane& lane) {
  if (count == 0) return;
  rules::RequestSecond second;
  second.like.source = source_;
  second.like.version = text(version, lane);
  second.like.route = text("/", lane);
  second.like.at = at;
  second.like.status = status;
  second.like.fingerprint = Seeded(++fingerprints_).next();
  second.count = count;
  const auto later = [&] { return at + chance_.between(0s, faults.shuffled); };
  if (chance_.chance(faults.duplicates)) delayed_.push_back({later(), second});
  if (faults.shuffled > Duration::zero()) {
    delayed_.push_back({later(), second});
  } else {
    offer(second, lane);
  }
}

void Traffic::pass(Instant now, const Faults& faults) {
  if (now >= silent_until_ && chance_.chance(faults.outages / 240))
    silent_until_ = now + chance_.between(1s, 60s);
  delayed_.clear();
  told_since_ = now;
}

void Traffic::call(const std::string& version, std::uint32_t count, Instant now,
                   const Faults& faults, monitor::Lane& lane) {
  if (version == starved_ && starving_.at(now) > 0) return;
  const double crowded = crowded_.at(now);
  const double bad = std::max(badness(version, now), kErrorsOfAGoodVersion);
  std::uint32_t errors = 0;
  std::uint32_t turned_away = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (chance_.chance(bad)) {
      ++errors;
    } else if (crowded > 0 && chance_.chance(crowded)) {
      ++turned_away;
    }
  }
  log(version, 500, errors, now, faults, lane);
  log(version, 429, turned_away, now, faults, lane);
  log(version, 200, count - errors - turned_away, now, faults, lane);
}

void Traffic::tell(Instant now, Duration span, const Faults& faults, monitor::Lane& lane) {
  if (now >= silent_until_ && chance_.chance(faults.outages / 60 * seconds(span)))
    silent_until_ = now + chance_.between(1s, 60s);
  if (now < silent_until_) {
    delayed_.clear();
    told_since_ = now;
    return;
  }
  last_told_ = now;
  lane.deliver(rules::SourceState{.source = source_, .at = now});
  owed_ += kRequestsPerSecond * seconds(span) * (quiet_.at(now) > 0 ? quiet_.share : 1);
  const double requests = std::floor(owed_);
  owed_ -= requests;
  for (const auto& share : split(now, faults))
    call(share.version, static_cast<std::uint32_t>(std::lround(requests * share.percent / 100)),
         now, faults, lane);
  for (const Delayed& one : delayed_)
    if (one.due <= now) offer(one.what, lane);
  std::erase_if(delayed_, [now](const Delayed& one) { return one.due <= now; });
}

void Traffic::burst(Instant now, std::size_t events, monitor::Lane& lane) {
  if (now < silent_until_) return;
  told_since_ = now;  // Some of what comes next does not get through.
  for (std::size_t i = 0; i < events; ++i) {
    rules::RequestSecond second;
    second.like.source = source_;
    second.like.version = text(worker_.live().versions.front().version, lane);
    second.like.route = text("/", lane);
    second.like.at = now;
    second.like.status = 200;
    second.count = 1;
    offer(second, lane);
  }
}

}  // namespace belay::simulation
