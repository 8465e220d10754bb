#include "rules/judgement/refused_requests.h"

#include <algorithm>
#include <numeric>

#include "base/sanitize.h"

namespace belay::rules {
namespace {

/// As of the log as a whole, where lateness hides what is slow (source_record.cc).
constexpr std::uint64_t kRequestsForOne = 100;
/// One or two are a hiccup, whatever their share.
constexpr std::uint64_t kRefusedMin = 3;

std::string words_of(Refusal why) {
  if (why == Refusal::late) return "too late";
  if (why == Refusal::from_the_future) return "ahead of this machine's clock";
  return name_of(why);
}

}  // namespace

void RefusedRequests::add(Refusal why, std::uint64_t calls) {
  if (why == Refusal::none || why == Refusal::duplicate) return;
  total_[static_cast<std::size_t>(why)] += calls;
  in_step_[static_cast<std::size_t>(why)] += calls;
}

std::optional<RefusedRequests::Objection> RefusedRequests::objection(const std::string& version,
                                                                     std::uint64_t counted) const {
  const std::uint64_t refused = std::accumulate(in_step_.begin(), in_step_.end(), std::uint64_t{0});
  const std::uint64_t all = refused + counted;
  if (refused < kRefusedMin || refused * kRequestsForOne <= all) return std::nullopt;
  const auto most = std::max_element(in_step_.begin(), in_step_.end());
  const auto why = static_cast<Refusal>(most - in_step_.begin());
  std::string words = std::to_string(refused) + " of " + std::to_string(all) + " requests of " +
                      sanitize(version) + " do not count: ";
  if (*most < refused) words += std::to_string(*most) + " ";
  words += *most < refused ? "of them are " : "they are ";
  return Objection{.kind = why == Refusal::late ? UnknownKind::lagging : UnknownKind::error,
                   .why = words + words_of(why) + "; nobody knows what they were"};
}

}  // namespace belay::rules
