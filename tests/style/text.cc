#include "tests/style/text.h"

#include <algorithm>
#include <cctype>

namespace belay::style {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Goes over C++ once, copying code and blanking the rest.
class Blanker {
 public:
  explicit Blanker(std::string_view in) : in_(in), out_(in) {}

  std::string run() {
    while (at_ < in_.size()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (starts("//")) return blank_until(in_.find('\n', at_));
    if (starts("/*")) return blank_until(after(in_.find("*/", at_ + 2), 2));
    if (starts("#include")) return keep_until(include_end());
    if (starts("R\"") && !follows_word()) return raw_string();
    if (in_[at_] == '"') return quoted('"');
    if (in_[at_] == '\'' && !follows_word()) return quoted('\'');
    ++at_;
  }

  bool starts(std::string_view what) const { return in_.substr(at_).starts_with(what); }

  /// True inside a word: the quote of 1'000, or the R of an identifier.
  bool follows_word() const { return at_ > 0 && is_word(in_[at_ - 1]); }

  static std::size_t after(std::size_t found, std::size_t size) {
    return found == std::string_view::npos ? found : found + size;
  }

  /// Up to the closing quote or angle, so that a comment behind it is still blanked.
  std::size_t include_end() const {
    const std::size_t line_end = std::min(in_.find('\n', at_), in_.size());
    const std::size_t open = in_.find_first_of("\"<", at_);
    if (open >= line_end) return line_end;
    return std::min(after(in_.find_first_of("\">", open + 1), 1), line_end);
  }

  void keep_until(std::size_t end) { at_ = std::min(end, in_.size()); }

  void blank_until(std::size_t end) {
    end = std::min(end, in_.size());
    for (; at_ < end; ++at_) {
      if (in_[at_] != '\n') out_[at_] = ' ';
    }
  }

  void quoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != quote && in_[end] != '\n') {
      end += in_[end] == '\\' ? 2 : 1;
    }
    ++at_;
    blank_until(end);
    if (at_ < in_.size() && in_[at_] == quote) ++at_;
  }

  void raw_string() {
    const std::size_t open = in_.find('(', at_);
    if (open == std::string_view::npos) return keep_until(open);
    const std::string close = ")" + std::string(in_.substr(at_ + 2, open - at_ - 2)) + "\"";
    blank_until(after(in_.find(close, open), close.size()));
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

std::string code_only(std::string_view cpp) { return Blanker(cpp).run(); }

std::vector<Include> includes_of(std::string_view code) {
  std::vector<Include> includes;
  for (std::size_t at = code.find("#include"); at != std::string_view::npos;
       at = code.find("#include", at + 1)) {
    const std::size_t line_end = std::min(code.find('\n', at), code.size());
    const std::size_t open = code.find_first_of("\"<", at);
    if (open >= line_end) continue;
    const std::size_t close = std::min(code.find_first_of("\">", open + 1), line_end);
    includes.push_back({.target = std::string(code.substr(open + 1, close - open - 1)),
                        .quoted = code[open] == '"',
                        .line = line_at(code, at)});
  }
  return includes;
}

std::vector<std::size_t> lines_with_word(std::string_view code, std::string_view word,
                                         bool called) {
  std::vector<std::size_t> lines;
  for (std::size_t at = code.find(word); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if (at > 0 && is_word(code[at - 1])) continue;
    if (end < code.size() && is_word(code[end])) continue;
    const std::size_t next = code.find_first_not_of(" \t", end);
    if (called && (next == std::string_view::npos || code[next] != '(')) continue;
    lines.push_back(line_at(code, at));
  }
  return lines;
}

std::size_t line_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view extension(std::string_view path) {
  const std::string_view name = file_name(path);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? "" : name.substr(dot + 1);
}

bool is_cpp(std::string_view path) { return is_any_of(extension(path), {"h", "cc"}); }

bool is_under(std::string_view path, std::string_view dir) {
  return path.size() > dir.size() && path.starts_with(dir) && path[dir.size()] == '/';
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

}  // namespace belay::style
