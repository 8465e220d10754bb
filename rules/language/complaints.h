#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rules/language/parser.h"

namespace belay::rules {

/// A stretch of a sentence.
struct Span {
  std::uint32_t column = 1;  ///< 1-based, in bytes.
  std::uint32_t length = 0;

  [[nodiscard]] std::uint32_t end() const { return column + length; }
  /// From the start of this one to the end of `last`.
  [[nodiscard]] Span to(const Span& last) const {
    return {column, last.end() > column ? last.end() - column : length};
  }
};

/// Collects what is wrong with a sentence, so that all of it is shown at once.
class Complaints {
 public:
  void error(Span at, std::string message, std::string suggestion = {}) {
    add(Diagnostic::Level::error, at, std::move(message), std::move(suggestion));
  }
  void warning(Span at, std::string message) {
    add(Diagnostic::Level::warning, at, std::move(message), {});
  }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  /// In the order of the sentence.
  [[nodiscard]] std::vector<Diagnostic> take() &&;

 private:
  void add(Diagnostic::Level level, Span at, std::string message, std::string suggestion);

  std::vector<Diagnostic> all_;
  std::size_t errors_ = 0;
};

}  // namespace belay::rules
