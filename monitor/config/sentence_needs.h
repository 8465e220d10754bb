#pragma once

#include <string>
#include <vector>

#include "rules/language/rule.h"

namespace belay::monitor {

/// What must be there so that a sentence can ever be judged.
struct SentenceNeeds {
  bool versions = false;  ///< It names the candidate or the baseline.
  bool requests = false;  ///< Requests or invocations of a log.
  bool share_of_requests = false;
  bool errors = false;      ///< Of requests: failed ones, 5xx, exceptions.
  bool few_errors = false;  ///< All that it asks for is that there are few of them.
  std::vector<std::string> probes;
  std::vector<rules::QueueSubject> queues;
  std::vector<std::string> measurements;  ///< `metric NAME`
  std::vector<std::string> prometheus;
  std::vector<std::string> sources;  ///< `no data from`, `sampling from`
};

SentenceNeeds needs_of(const rules::Sentence& sentence);

}  // namespace belay::monitor
