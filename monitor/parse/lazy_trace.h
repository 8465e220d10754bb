#pragma once

#include <cstdint>
#include <string_view>

#include "monitor/parse/document_reader.h"
#include "monitor/parse/structure_index.h"

namespace belay::monitor {

/// Reads plain Cloudflare traces several times as fast as DocumentReader: it looks at the members
/// that matter and leaps over the others. It knows less: what it is not sure to read as
/// DocumentReader does, it leaves to it (escapes in a text, numbers with a fraction, other dialects
/// and messages of the tail). Of what it leaps over it checks what DocumentReader checks, that it
/// is text and its brackets are closed, and not more. A good document has the same Fields from
/// both; a broken one may pass here and not there.
class LazyTrace {
 public:
  explicit LazyTrace(StructureIndex::Method method = StructureIndex::Method::best)
      : index_(method) {}

  /// True: `fields` is filled. False: use other, fresh Fields. `document` has kDocumentPadding
  /// readable bytes behind it. After many documents in a row that were not for it, it looks only
  /// at some until one is.
  bool read(std::string_view document, Fields& fields);

 private:
  bool is_worth_a_look();

  StructureIndex index_;
  std::uint32_t missed_ = 0;  // In a row.
};

}  // namespace belay::monitor
