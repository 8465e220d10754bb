#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "monitor/config/rule_test.h"
#include "rules/plan.h"

namespace belay::monitor {

/// Expands what a test is given into events, second by second. The same test gives the same events.
class RuleTestSeries {
 public:
  RuleTestSeries(const RuleTest& test, Instant start);

  /// The sources that the test uses, all of `service`.
  [[nodiscard]] const std::vector<rules::SourcePlan>& sources() const { return sources_; }

  /// The events after `second` and up to a second later, by their time. In order: the first call is
  /// for second 0, whose events also name the texts.
  std::vector<rules::Event> events_of(std::int64_t second);

  static constexpr std::string_view kService = "service";

 private:
  rules::SourceId source(const std::string& name, rules::SourceKind kind, Duration interval);
  rules::TextId text(rules::SourceId source, const std::string& text);
  void declare(const Given& given);
  /// What the source says of itself in that second; nothing: it is silent.
  [[nodiscard]] std::optional<rules::SourceHealth> health(const std::string& source,
                                                          std::int64_t second) const;
  [[nodiscard]] bool reports(const std::string& source, std::int64_t second) const;
  [[nodiscard]] Instant at(std::int64_t second) const;

  void expand(const Given& given, const GivenRequests& requests, std::int64_t second);
  void expand(const Given& given, const GivenQueue& queue, std::int64_t second);
  void expand(const Given& given, const GivenProbe& probe, std::int64_t second);
  void expand(const Given& given, const GivenMeasurement& measurement, std::int64_t second);
  void expand(const Given&, const GivenSource&, std::int64_t) {}

  const RuleTest& test_;
  Instant start_;
  std::vector<rules::SourcePlan> sources_;
  std::map<std::pair<rules::SourceId, std::string>, rules::TextId> texts_;
  std::vector<rules::Event> defined_;  ///< Texts that wait for the next call.
  std::vector<std::pair<Instant, rules::Event>> events_;
};

}  // namespace belay::monitor
