#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "monitor/inbox.h"
#include "rules/event.h"
#include "tests/simulation/cloudflare.h"
#include "tests/simulation/faults.h"

namespace belay::simulation {

/// What the users of one service get, by version, and the log that tells of it.
class Traffic {
 public:
  Traffic(rules::SourceId source, const Worker& worker, Seeded chance)
      : source_(source), worker_(worker), chance_(chance) {}

  /// Within [from, until), so large a share of this version's answers are errors.
  void spoil(const std::string& version, Instant from, double share,
             Instant until = Instant::max()) {
    bad_[version] = {from, until, share};
  }
  /// The share of errors that was put upon this version; 0: none.
  [[nodiscard]] double badness(const std::string& version, Instant at) const;
  /// What happens to those who call, now and then: many are turned away, hardly anybody comes, or
  /// nobody gets the newest version. In words, if something does.
  std::optional<std::string> disturb(const Faults& faults, Seeded& trouble, Instant now,
                                     Duration span);

  /// A new process reads the log: it knows none of its texts.
  void forget_texts() {
    texts_.clear();
    delayed_.clear();
  }

  /// What happened within (now - span, now], and was logged: into the lane.
  void tell(Instant now, Duration span, const Faults& faults, monitor::Lane& lane);
  /// The same with nobody to hear it.
  void pass(Instant now, const Faults& faults);
  /// As many calls as no lane can hold, at once.
  void burst(Instant now, std::size_t events, monitor::Lane& lane);
  void fall_silent(Instant until) { silent_until_ = until; }
  /// The share of all calls, in percent, that a version has had for so long at the least although
  /// a rollback took it back; 0 if it has not, or if so few call that chance decides.
  [[nodiscard]] double clung_percent(const std::string& version, Instant now, Duration over) const;
  /// Whoever calls gets an answer again; what is bad by itself stays bad.
  void heal();

  /// Since when nothing was told and nothing said; `now` if it speaks.
  [[nodiscard]] Instant last_told() const { return last_told_; }
  /// Since when everything that happened was told, as far as it is known; `now` if it is silent.
  [[nodiscard]] Instant told_since() const { return told_since_; }
  struct Counts {
    std::uint64_t offered = 0;  ///< Calls that were told of, repeated ones included.
    std::uint64_t dropped = 0;  ///< Calls that the lane did not take.
  };
  /// Of this process.
  Counts counts;

 private:
  struct Spell {
    Instant from{};
    Instant until{};
    double share = 0;
    [[nodiscard]] double at(Instant now) const { return now >= from && now < until ? share : 0; }
  };
  struct Delayed {
    Instant due{};
    rules::RequestSecond what;
  };
  /// A split that is in use although a rollback was deployed after it.
  struct Clung {
    Instant from{};
    Instant until{};
    std::vector<monitor::CloudflareDeployment::Share> versions;
  };
  /// Who gets how much now, whatever is deployed.
  const std::vector<monitor::CloudflareDeployment::Share>& split(Instant now, const Faults& faults);
  rules::TextId text(const std::string& text, monitor::Lane& lane);
  void offer(const rules::RequestSecond& second, monitor::Lane& lane);
  void call(const std::string& version, std::uint32_t count, Instant now, const Faults& faults,
            monitor::Lane& lane);
  void log(const std::string& version, std::uint16_t status, std::uint32_t count, Instant at,
           const Faults& faults, monitor::Lane& lane);

  rules::SourceId source_;
  const Worker& worker_;
  Seeded chance_;
  std::map<std::string, Spell> bad_;
  Spell crowded_;
  Spell quiet_;
  Spell starving_;
  std::string starved_;
  std::size_t deployed_ = 1;  ///< How many deployments of the worker were looked at.
  std::optional<Clung> clung_;
  Instant scarce_until_{};  ///< Hardly anybody calls, or one version gets nothing.
  std::map<std::string, rules::TextId> texts_;
  std::vector<Delayed> delayed_;
  Instant silent_until_{};
  Instant last_told_{};
  Instant told_since_{};
  std::uint64_t fingerprints_ = 0;
  double owed_ = 0;  ///< Fractions of requests that have not been made yet.
};

}  // namespace belay::simulation
