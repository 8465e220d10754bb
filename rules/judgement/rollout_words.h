#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/judgement/names.h"
#include "rules/judgement/rollout_judgement.h"
#include "rules/judgement/rollout_numbers.h"

namespace belay::rules {

/// The numbers and the words of an answer.
class RolloutWords {
 public:
  RolloutWords(const PairedEvidence& evidence, const std::string& candidate,
               const std::string& baseline, const NameTable& names)
      : evidence_(evidence), candidate_(candidate), baseline_(baseline), names_(names) {}

  /// `numbers`, `headline` and `details` of one whose other parts are set. `name`: of the probe.
  void fill(RolloutAnswer& answer, const std::string& name) const;
  [[nodiscard]] std::string queue(const std::string& name, double depth, double before) const;
  /// Of a probe whose answers name no version.
  [[nodiscard]] std::string nameless_probe(const std::string& name) const;

 private:
  void fill_comparison(RolloutAnswer& answer) const;
  void fill_rule(RolloutAnswer& answer) const;

  const PairedEvidence& evidence_;
  const std::string& candidate_;
  const std::string& baseline_;
  const NameTable& names_;
};

/// Of a shared cause that began with a step (DESIGN.md 2, Blame).
inline constexpr const char* kHarmsBoth =
    "both versions turned bad within two minutes of a step: the candidate may be harming both, "
    "through a database or a queue that they share";
/// Of `broken`, `clear`, `errors` and `latency`: "v2 fails 62% of its requests (31 of 50), v1 fails
/// 0% of its requests (0 of 450) in the last 10s". `baseline`: empty if there is none.
std::string words_of_rule(const PairedEvidence& evidence, RolloutRule rule,
                          const std::string& candidate, const std::string& baseline);
/// "v2 took 10% of the traffic and produced 84% of the errors (36 of 43) in the last 50s".
std::string words_of_share(const RolloutNumbers& numbers, const std::string& candidate);
/// "routes in the last 50s: /buy (36 of 40)", "by reason in the last 50s: 503 (30)", "exceptions in
/// the last 50s: TypeError: x (3)"; those there are. `over`: what they were counted over; zero:
/// that is said already.
std::vector<std::string> lines_of_top(const RolloutNumbers& numbers, Duration over);
/// All of it in one line: shares, odds, interval, excess, routes, reasons.
std::string words_of(const RolloutNumbers& numbers, const std::string& candidate);
/// "8,100 to 1 (limit 200 to 1)".
std::string words_of_odds(const RolloutNumbers& numbers);
/// "0 of 37 requests failed, so at most 17.2%".
std::string words_of_failed(std::uint64_t failed, std::uint64_t requests);
/// "37 of 50 requests; 0 of 37 requests failed, so at most 17.2%".
std::string words_of_few(std::uint64_t requests, std::uint64_t failed, std::uint64_t wanted);

}  // namespace belay::rules
