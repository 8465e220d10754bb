#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace belay::monitor {

/// How results are printed on standard output.
enum class OutputFormat { text, json, jsonl };

/// Colours for one stream: on only if it is a terminal that understands them and NO_COLOR is not
/// set.
class Style {
 public:
  explicit Style(bool coloured) : coloured_(coloured) {}
  static Style of(std::FILE* stream);

  [[nodiscard]] bool coloured() const { return coloured_; }
  [[nodiscard]] std::string bold(std::string_view text) const { return wrap("1", text); }
  [[nodiscard]] std::string dim(std::string_view text) const { return wrap("2", text); }
  [[nodiscard]] std::string red(std::string_view text) const { return wrap("31", text); }
  [[nodiscard]] std::string green(std::string_view text) const { return wrap("32", text); }
  [[nodiscard]] std::string yellow(std::string_view text) const { return wrap("33", text); }
  [[nodiscard]] std::string blue(std::string_view text) const { return wrap("36", text); }

 private:
  [[nodiscard]] std::string wrap(std::string_view code, std::string_view text) const;
  bool coloured_;
};

/// Writes to standard output, whole or not at all. False if the reader has gone: stop.
bool print(std::string_view text);

/// For verbs whose result is what they print: their exit code, unless it is 0 and not all has been
/// printed; then 69, and why is told. A reader that has gone wanted no more.
int delivered(int code);

/// One line on standard error: "belay: …".
void complain(std::string_view message);

/// A line on standard error that says how far the work is, from two seconds on: rewritten in place
/// on a terminal, else repeated every ten seconds. Erased when it ends.
class Progress {
 public:
  explicit Progress(bool wanted = true);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// True when a line is due: ask before the text is made.
  [[nodiscard]] bool due();
  void show(std::string_view text);
  void erase();

 private:
  bool wanted_;
  bool terminal_;
  bool shown_ = false;
  long long started_ms_;
  long long next_ms_;
};

}  // namespace belay::monitor
