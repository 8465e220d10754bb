#include "tests/rules/support/engine_dump.h"

#include <bit>
#include <cstdint>
#include <sstream>

namespace belay::rules {
namespace {

void put(std::ostringstream& out, const Evidence& evidence) {
  out << "    " << evidence.what << " | " << describe(evidence) << " | "
      << std::bit_cast<std::uint64_t>(evidence.value) << ' '
      << std::bit_cast<std::uint64_t>(evidence.threshold) << ' ' << evidence.numerator << '/'
      << evidence.denominator << ' ' << name_of(evidence.truth) << '\n';
}

}  // namespace

std::string dump(const Step& step) {
  std::ostringstream out;
  for (const JournalEntry& entry : step.journal)
    out << "journal " << unix_ms(entry.at) << ' ' << entry.service << ' ' << entry.rule << ' '
        << entry.intent << ' ' << entry.text << '\n';
  for (const Order& order : step.orders)
    out << "order " << order.intent << ' ' << order.rule << ' ' << order.reason << '\n';
  for (const Notice& notice : step.notices) {
    out << "notice " << unix_ms(notice.at) << ' ' << notice.page << ' ' << notice.headline << '\n';
    for (const std::string& detail : notice.details) out << "  " << detail << '\n';
  }
  return out.str();
}

std::string dump(const Snapshot& snapshot) {
  std::ostringstream out;
  for (const ServiceStatus& service : snapshot.services) {
    out << service.name << ' ' << name_of(service.verdict) << '\n';
    for (const RuleStatus& rule : service.rules) {
      out << "  " << rule.rule << ' ' << name_of(rule.truth) << ' '
          << (rule.unknown ? name_of(*rule.unknown) : "-") << (rule.firing ? " firing" : "")
          << '\n';
      for (const Evidence& evidence : rule.evidence) put(out, evidence);
    }
    for (const SeriesTotals& series : service.series)
      out << "  series " << series.route << ' ' << series.version << ' ' << series.requests << ' '
          << series.errors << ' ' << series.latency_count << '\n';
    if (service.rollout)
      out << "  gate " << service.rollout->candidate << ' ' << service.rollout->why << '\n';
  }
  return out.str();
}

}  // namespace belay::rules
