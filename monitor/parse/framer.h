#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/parse/rejection.h"

namespace belay::monitor {

/// Bytes behind a document that a reader may read (not use): what simdjson asks for.
inline constexpr std::size_t kDocumentPadding = 64;

/// What a Framer hands its documents to.
class DocumentSink {
 public:
  virtual ~DocumentSink() = default;
  /// One whole document, padded. Why it was refused, if it was. Says nothing to anyone yet if it is
  /// refused as not_json: the framer may find that the document goes on.
  virtual std::optional<Rejection> take(std::string_view document) = 0;
  /// Once for each document: what became of it.
  virtual void count(std::string_view document, std::optional<Rejection> rejection) = 0;
};

/// Cuts a stream of bytes, arriving in any pieces, into documents:
/// - a line is a document (NDJSON, or text), bounded by its newline whatever is in it;
/// - a line "{" in column 0 begins an indented document, which ends at the "}" in column 0. A "{"
///   in column 0 before that begins the next one: a broken document costs itself only;
/// - "[" with a "{" or nothing behind it begins an array, whose elements are documents.
/// Lines that can only come from the inside of an indented document count as one fragment.
/// Holds at most `document_bytes_max` bytes, and reads most documents where they lie.
class Framer {
 public:
  Framer(DocumentSink& sink, std::size_t document_bytes_max);

  void feed(std::string_view bytes);
  /// The input ended: a last line without a newline counts.
  void finish();
  /// The stream broke: what is half read is counted as cut off.
  void reset();

 private:
  enum class State { line, indented, nested, between };

  void step_line();
  void step_indented();
  void step_nested();
  void step_between();
  void take_line(const char* newline);
  bool enter_array(const char* to);
  void hold();
  std::string_view whole(const char* to);
  std::string_view padded(std::string_view document);
  void end_document(const char* to, std::optional<Rejection> known);
  void close_indented(const char* to);
  [[nodiscard]] char before(const char* at) const;

  DocumentSink& sink_;
  const std::size_t document_bytes_max_;
  State state_ = State::line;
  bool in_array_ = false;
  bool skipping_ = false;  ///< The document was too long, and counted: its rest is thrown away.
  bool in_fragment_ = false;
  /// Where a document stands; depth 0 is a scalar of an array.
  struct Nesting {
    std::size_t depth = 0;
    bool in_string = false;
    bool escaped = false;
    void see(char c);
  };
  Nesting nesting_;

  std::string held_;      ///< What earlier pieces hold of the document under way.
  std::string scratch_;   ///< A document with its padding, where the piece has none behind it.
  char previous_ = '\n';  ///< The last byte of the piece before.
  /// The piece under way: [begin_, end_) continues held_; what is before scan_ has been looked at.
  const char* piece_ = nullptr;
  const char* begin_ = nullptr;
  const char* scan_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace belay::monitor
