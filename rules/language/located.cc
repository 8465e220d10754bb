#include "rules/language/located.h"

#include <algorithm>

#include "base/sanitize.h"

namespace belay::rules {
namespace {

/// What of a line is shown, in bytes before and behind the place.
constexpr std::size_t kBeforeMax = 100;
constexpr std::size_t kBehindMax = 80;

/// Into the middle of no character.
std::size_t character_start(std::string_view line, std::size_t at) {
  while (at > 0 && at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80) --at;
  return at;
}

std::size_t columns_of(std::string_view shown) {
  return static_cast<std::size_t>(std::count_if(shown.begin(), shown.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string shown(std::string_view part) {
  std::string spaced(part);
  std::replace(spaced.begin(), spaced.end(), '\t', ' ');
  return sanitize(spaced);
}

/// The line with the place marked below it.
void append_excerpt(std::string& out, std::string_view line, const Diagnostic& what,
                    std::string_view margin, const std::string& gutter) {
  const std::size_t place = std::min<std::size_t>(what.column - 1, line.size());
  const std::size_t begin =
      place > kBeforeMax ? character_start(line, place - kBeforeMax) : std::size_t{0};
  // Bytes that are no UTF-8 may have no character start behind the place.
  const std::size_t end =
      std::max(place, character_start(line, std::min(line.size(), place + kBehindMax)));
  const std::size_t marked_end = std::clamp<std::size_t>(place + what.length, place, end);
  const std::string before = (begin > 0 ? "…" : "") + shown(line.substr(begin, place - begin));
  const std::string marked = shown(line.substr(place, marked_end - place));
  const std::string behind = shown(line.substr(marked_end, end - marked_end));
  out.append(margin).append(before).append(marked).append(behind);
  out.append(end < line.size() ? "…\n" : "\n");
  out.append(gutter).append(columns_of(before), ' ').append(1, '^');
  const std::size_t width = columns_of(marked);
  if (width > 1) out.append(width - 1, '~');
  out += '\n';
}

void append_message(std::string& out, const Diagnostic& what) {
  out += what.level == Diagnostic::Level::error ? "error: " : "warning: ";
  out.append(sanitize(what.message)).append("\n");
}

void append_rest(std::string& out, const Diagnostic& what, std::string_view line,
                 const std::string& number) {
  const std::string blank(std::max<std::size_t>(number.size(), 3), ' ');
  if (!line.empty()) {
    const std::string margin =
        " " + std::string(blank.size() - number.size(), ' ') + number + " | ";
    append_excerpt(out, line, what, margin, " " + blank + " | ");
  }
  if (!what.suggestion.empty()) {
    out.append(" ").append(blank).append(" = did you mean `");
    out.append(sanitize(what.suggestion)).append("`?\n");
  }
}

}  // namespace

std::string render(const Located& located) {
  const std::string number = std::to_string(located.line);
  std::string out =
      sanitize(located.file) + ":" + number + ":" + std::to_string(located.what.column) + ": ";
  append_message(out, located.what);
  append_rest(out, located.what, located.source_line, number);
  return out;
}

std::string render(const Diagnostic& diagnostic, std::string_view sentence,
                   std::string_view place) {
  std::string out = sanitize(place) + ":" + std::to_string(diagnostic.column) + ": ";
  append_message(out, diagnostic);
  append_rest(out, diagnostic, sentence, "");
  return out;
}

bool has_error(const std::vector<Diagnostic>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
    return diagnostic.level == Diagnostic::Level::error;
  });
}

bool has_error(const std::vector<Located>& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Located& located) {
    return located.what.level == Diagnostic::Level::error;
  });
}

}  // namespace belay::rules
