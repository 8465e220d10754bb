#include "rules/rollout/silences.h"

#include <algorithm>

namespace belay::rules {

namespace {

/// "default/probes" of "default/probes/healthz".
std::string whole_of(const std::string& rule) {
  return rule.starts_with("default/probes/") ? rule.substr(0, rule.rfind('/')) : rule;
}

}  // namespace

Silences::Silences(const std::vector<Silenced>& remembered) {
  for (const Silenced& silenced : remembered) silence(silenced);
}

void Silences::silence(const Silenced& silenced) {
  by_rule_[{silenced.service, silenced.rule}] = silenced;
}

bool Silences::is_silent(const Notice& notice, Instant now) const {
  const bool is_of_rule = !notice.rule.empty() && (notice.kind == Notice::Kind::fired ||
                                                   notice.kind == Notice::Kind::cleared ||
                                                   notice.kind == Notice::Kind::would_act);
  if (!is_of_rule) return false;
  for (const std::string& service : {std::string(), notice.service})
    for (const std::string& rule : {notice.rule, whole_of(notice.rule)})
      if (const auto found = by_rule_.find({service, rule}); found != by_rule_.end())
        if (found->second.until > now) return true;
  return false;
}

void Silences::drop_silent(std::vector<Notice>& notices, Instant now) const {
  if (by_rule_.empty()) return;
  std::erase_if(notices, [&](const Notice& notice) { return is_silent(notice, now); });
}

std::vector<Silenced> Silences::of_service(const std::string& service, Instant now) const {
  std::vector<Silenced> found;
  for (const auto& [of, silenced] : by_rule_)
    if ((of.first.empty() || of.first == service) && silenced.until > now)
      found.push_back(silenced);
  std::stable_sort(found.begin(), found.end(), [](const Silenced& left, const Silenced& right) {
    return left.rule < right.rule;
  });
  return found;
}

}  // namespace belay::rules
