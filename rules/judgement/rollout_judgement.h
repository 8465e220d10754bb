#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/few_failures.h"
#include "rules/judgement/guarded_rules.h"
#include "rules/judgement/names.h"
#include "rules/judgement/paired_evidence.h"
#include "rules/judgement/probe_watch.h"
#include "rules/judgement/rollout_limits.h"
#include "rules/judgement/rollout_numbers.h"

namespace belay::rules {

/// What a rollout is judged by when nobody wrote a rule: the comparison, and beside it absolute
/// rules that a person can check by eye, each guarded by the baseline (docs/comparison.md).
enum class RolloutRule : std::uint8_t {
  comparison,        ///< candidate worse than baseline, confidence 99%
  broken,            ///< 10 s: n >= 20, errors >= 50 %, for 5 s; the baseline's rate below half
  clear,             ///< 10 s: >= 30 errors, >= 10 %, for 5 s; at least 3 x the baseline
  errors,            ///< 30 s: n >= 20, > 5 %, for 30 s with evidence or for 90 s
  latency,           ///< 60 s: n >= 50, p95 > 250 ms, for 30 s with evidence
  candidate_silent,  ///< No request of the candidate where ten were to be expected.
  probes,            ///< Three failed probes of the candidate in a row.
  queue,             ///< Above its threshold, and 1.5 x what it was before the rollout.
};
inline constexpr std::size_t kRolloutRules = 8;
const char* name_of(RolloutRule rule);  ///< "errors"
/// "default/errors": what it is called beside the rules of a configuration.
std::string default_name(RolloutRule rule);
/// "default/probes/healthz": of one probe.
std::string default_name_of_probe(const std::string& probe);

/// What the rollout should do now.
struct RolloutAnswer {
  enum class Kind : std::uint8_t {
    warn,      ///< Tell: the odds are against the candidate, but not enough to act.
    pause,     ///< Do not advance, and page. Judging goes on.
    resume,    ///< Nothing is left of what paused.
    rollback,  ///< Final: nothing more is answered.
  } kind{};
  RolloutRule rule{};
  bool is_shared_cause = false;  ///< Of a pause: the baseline is as bad.
  std::string about;             ///< The probe or the queue; else empty.
  Instant at{};
  std::string headline;              ///< One line, fit for a terminal and for Slack.
  std::vector<std::string> details;  ///< Further lines.
  RolloutNumbers numbers;
};
const char* name_of(RolloutAnswer::Kind kind);

/// Judges one rollout, second by second. Pure: the same evidence gives the same answers. Drive it
/// so, at every whole second of engine time, each once and in order:
///
///   evidence.count(...);           // as requests come, all of them, of both versions
///   judgement.begin_step(...);     // at the start and at each change of traffic
///   evidence.advance(now);
///   if (auto answer = judgement.judge(now, is_blind, names)) ...
///
/// Nothing is forgotten at a step. It needs not be told of pauses and resumes by a person. After a
/// rollback it is over; a rollout that starts again gets a new one.
class RolloutJudgement {
 public:
  struct Versions {
    std::string candidate;
    std::string baseline;  ///< Empty: there is none.
  };
  /// `evidence` must outlive it.
  RolloutJudgement(PairedEvidence& evidence, Versions versions, const RolloutLimits& limits);

  /// GuardedRules::was_bad_before().
  void was_bad_before(double error_rate) { guarded_.was_bad_before(error_rate); }
  /// It was, and the candidate has not been fine for long enough since.
  [[nodiscard]] bool is_excused() const { return guarded_.error_rate_before() > 0; }
  /// Invocations that are no requests were seen to fail before the rollout.
  void excuse_invocations() { invocations_failed_before_ = true; }
  /// What the baseline's clients did before the rollout.
  void clients_were(const PairedEvidence::Sums& clients) { clients_before_ = clients; }
  /// The candidate gets `traffic` (0..1) of the requests from `at` on; nothing if nobody knows.
  /// Tells the evidence.
  void begin_step(Instant at, std::optional<double> traffic);
  /// ProbeWatch::answered().
  void probe_answered(const std::string& probe, std::optional<Role> role, Instant at, bool failed) {
    probes_.answered(probe, role, at, failed);
  }
  /// A queue has been above its threshold for its rule's duration; `before`: its depth when the
  /// rollout began. queue_fine() when that is over.
  void queue_above(const std::string& queue, double depth, double before);
  void queue_fine(const std::string& queue);

  /// `is_blind`: the source of the requests cannot be trusted now (dead, silent, sampled), so that
  /// nothing follows from a request that is missing. At most one answer a second, the gravest.
  std::optional<RolloutAnswer> judge(Instant now, bool is_blind, const NameTable& names);

  [[nodiscard]] bool is_over() const { return is_over_; }
  [[nodiscard]] bool is_paused() const { return !pauses_.empty(); }

  /// A person says that it goes on all the same: what is bad still is answered anew.
  void go_on() { is_over_ = false; }

  /// Why the step must not pass now, for people; nothing if it may. How much evidence a step needs
  /// is not asked here (rollout/step_judge.h).
  [[nodiscard]] std::optional<std::string> hindrance() const;
  /// Of that, what speaks against the candidate itself, as far as that is known.
  [[nodiscard]] std::optional<std::string> finding_against() const;
  /// That of whole_traffic.h. Nothing passes by itself; a person may know better.
  [[nodiscard]] std::optional<std::string> doubt_of_whole() const;
  /// Nor if (nearly) no request of the candidate in the step tells how long it took: a version that
  /// is only slow looks as this one does.
  [[nodiscard]] std::optional<std::string> doubt_of_latency() const;
  /// FewFailures::blames_candidate().
  [[nodiscard]] bool blames_few() const { return few_.blames_candidate(); }

 private:
  struct Pause {
    RolloutRule rule{};
    bool is_shared_cause = false;
    std::string name;          ///< Of a queue or a probe.
    bool is_nameless = false;  ///< ProbeWatch::Red.
    bool is_of_few = false;    ///< FewFailures.
    bool operator==(const Pause&) const = default;
  };
  struct Deep {
    double depth = 0;
    double before = 0;
  };

  [[nodiscard]] std::optional<Pause> worse() const;
  [[nodiscard]] bool is_seen_beside_baseline() const;
  [[nodiscard]] std::optional<std::string> finding_of_now() const;
  [[nodiscard]] bool has_shared_begun_with_step(GuardedRule rule, Instant now) const;
  [[nodiscard]] std::vector<Pause> wanted_pauses(Instant now, bool is_blind) const;
  [[nodiscard]] bool is_candidate_silent(Instant now) const;
  [[nodiscard]] std::string words_of_few() const;
  std::optional<RolloutAnswer> change_pauses(std::vector<Pause> wanted, Instant now,
                                             const NameTable& names);
  [[nodiscard]] RolloutAnswer answer(RolloutAnswer::Kind kind, const Pause& about, Instant now,
                                     const NameTable& names) const;

  PairedEvidence* evidence_;
  Versions versions_;
  RolloutLimits limits_;
  GuardedRules guarded_;
  std::optional<double> traffic_;
  Instant step_at_;
  ProbeWatch probes_;
  FewFailures few_;
  std::map<std::string, Deep> deep_queues_;
  std::vector<Pause> pauses_;
  bool was_suspect_ = false;
  bool is_over_ = false;
  bool invocations_failed_before_ = false;
  PairedEvidence::Sums clients_before_;
};

}  // namespace belay::rules
