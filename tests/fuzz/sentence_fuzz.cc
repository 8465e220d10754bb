#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "rules/language/located.h"
#include "rules/language/parser.h"
#include "rules/language/promql.h"

/// Any bytes are a sentence or an error inside it; a sentence's normal form is one, too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace belay::rules;  // NOLINT: the function has to be global
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const ParsedSentence parsed = parse_sentence(text);
  BELAY_CHECK(parsed.sentence.has_value() != has_error(parsed.diagnostics),
              "a sentence or an error, never both");
  for (const Diagnostic& diagnostic : parsed.diagnostics) {
    BELAY_CHECK(diagnostic.column >= 1 && diagnostic.column <= size + 1, "inside the sentence");
    BELAY_CHECK(!render(diagnostic, text, "when").empty(), "shown");
  }
  if (parsed.sentence) {
    const std::string normal = normal_form(*parsed.sentence);
    const ParsedSentence again = parse_sentence(normal);
    BELAY_CHECK(again.sentence && normal_form(*again.sentence) == normal, "reads back");
    static_cast<void>(nearest_promql(*parsed.sentence, "service"));
  }
  static_cast<void>(parse_then(text));
  return 0;
}
