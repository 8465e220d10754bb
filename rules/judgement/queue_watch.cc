#include "rules/judgement/queue_watch.h"

namespace belay::rules {

std::map<std::string, double> queue_depths(const ServiceEvidence& evidence, Instant now) {
  std::map<std::string, double> depths;
  for (const auto& [name, queue] : evidence.queues) {
    const SourceRecord& source = evidence.source(static_cast<std::uint32_t>(queue.last.source));
    if (queue.last.depth && now - queue.last.at <= source.silence_max())
      depths[name] = static_cast<double>(*queue.last.depth);
  }
  return depths;
}

void QueueWatch::check(const ServiceEvidence& evidence, Instant now, RolloutJudgement& judgement) {
  for (const auto& [name, depth] : queue_depths(evidence, now)) {
    const double before = before_.try_emplace(name, depth).first->second;
    if (depth <= limits_.queue_depth) {
      above_since_.erase(name);
      judgement.queue_fine(name);
      continue;
    }
    const Instant since = above_since_.try_emplace(name, now).first->second;
    if (now - since >= limits_.queue_for) judgement.queue_above(name, depth, before);
  }
  for (auto above = above_since_.begin(); above != above_since_.end();) {
    if (evidence.queues.contains(above->first)) {
      ++above;
      continue;
    }
    judgement.queue_fine(above->first);
    above = above_since_.erase(above);
  }
}

}  // namespace belay::rules
