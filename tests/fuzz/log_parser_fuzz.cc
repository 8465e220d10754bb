#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "monitor/parse/log_parser.h"

namespace {

using belay::monitor::LogParser;

void check_totals(const LogParser& parser) {
  std::uint64_t sum = parser.used();
  for (const auto& [reason, count] : parser.rejected()) sum += count;
  BELAY_CHECK(sum == parser.documents(), "every document is used or rejected");
}

}  // namespace

/// Any bytes, cut into pieces by the first byte, by the reader of whole documents or the lazy one
/// (its lowest bit): nothing crashes, and every document is accounted for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool is_lazy = (data[0] & 1U) != 0;
  const std::size_t piece = 1 + (data[0] >> 1U) * std::size_t{33};
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  LogParser parser({.document_bytes_max = 2048, .latency_field = is_lazy ? "" : "a.b"});
  std::vector<belay::rules::Event> events;
  while (!input.empty()) {
    const std::vector<char> part(
        input.begin(), input.begin() + static_cast<std::ptrdiff_t>(std::min(piece, input.size())));
    parser.feed({part.data(), part.size()}, belay::from_unix_ms(1'795'182'320'647), events);
    input.remove_prefix(part.size());
    check_totals(parser);
  }
  parser.finish(belay::from_unix_ms(1'795'182'320'647), events);
  check_totals(parser);
  const auto calls =
      std::count_if(events.begin(), events.end(), [](const belay::rules::Event& event) {
        return !std::holds_alternative<belay::rules::Thrown>(event);
      });
  BELAY_CHECK(static_cast<std::uint64_t>(calls) <= parser.used(), "no event without a document");
  return 0;
}
