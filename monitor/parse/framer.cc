#include "monitor/parse/framer.h"

#include <cstring>

#include "monitor/parse/blanks.h"
#include "monitor/parse/column_zero.h"

namespace belay::monitor {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
/// An array opens within so many bytes of its line, or it is none.
constexpr std::size_t kArrayLeadMax = 64;

std::string_view without_mark(std::string_view line) {
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  return line;
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  return line;
}

/// A line that no document of one line and no beginning of one can be, but the inside of one is.
bool is_inside(std::string_view line, std::string_view content) {
  if (line.front() == '}' || line.front() == ']') return true;
  return is_blank(line.front()) && (content.front() != '{' || content.size() == 1);
}

}  // namespace

void Framer::Nesting::see(char c) {
  if (c == '\n') {
    in_string = escaped = false;  // No string goes over a line break: it was broken.
  } else if (in_string) {
    const bool ends = c == '"' && !escaped;
    escaped = c == '\\' && !escaped;
    in_string = !ends;
  } else if (c == '"') {
    in_string = true;
  } else if (c == '{' || c == '[') {
    ++depth;
  } else if ((c == '}' || c == ']') && depth > 0) {
    --depth;
  }
}

Framer::Framer(DocumentSink& sink, std::size_t document_bytes_max)
    : sink_(sink), document_bytes_max_(document_bytes_max) {}

void Framer::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  piece_ = begin_ = scan_ = bytes.data();
  end_ = piece_ + bytes.size();
  while (scan_ != end_) {
    switch (state_) {
      case State::line:
        step_line();
        break;
      case State::indented:
        step_indented();
        break;
      case State::nested:
        step_nested();
        break;
      case State::between:
        step_between();
        break;
    }
  }
  hold();
  previous_ = bytes.back();
}

void Framer::finish() {
  piece_ = begin_ = scan_ = end_ = held_.data() + held_.size();
  if (state_ == State::line && !skipping_ && !held_.empty()) take_line(end_);
  const bool is_open = state_ == State::indented || state_ == State::nested;
  if (is_open && !skipping_) sink_.count(held_, Rejection::unfinished);
  held_.clear();
  reset();
}

void Framer::reset() {
  if (!skipping_ && !trimmed(held_).empty()) sink_.count(held_, Rejection::cut_off);
  held_.clear();
  state_ = State::line;
  in_array_ = skipping_ = in_fragment_ = false;
  previous_ = '\n';
}

void Framer::step_line() {
  const auto* newline =
      static_cast<const char*>(std::memchr(scan_, '\n', static_cast<std::size_t>(end_ - scan_)));
  if (!skipping_ && enter_array(newline == nullptr ? end_ : newline)) return;
  if (newline == nullptr) {
    scan_ = end_;
    return;
  }
  take_line(newline);
}

/// The line under way is whole: it ends at `newline` (or at the end of the input).
void Framer::take_line(const char* newline) {
  const char* next = newline == end_ ? end_ : newline + 1;
  if (skipping_) return end_document(next, std::nullopt);
  const std::string_view line = whole(newline);
  const std::string_view shown = without_mark(line);
  const std::string_view content = trimmed(shown);
  if (content == "{" && shown.front() == '{') {
    in_fragment_ = false;
    state_ = State::indented;
    const std::size_t mark = line.size() - shown.size();
    if (held_.empty()) {
      begin_ += mark;
    } else {
      held_.erase(0, mark);
    }
    scan_ = next;
    return;
  }
  if (line.size() > document_bytes_max_) {
    sink_.count(line, Rejection::too_long);
  } else if (!content.empty() && is_inside(shown, content)) {
    if (!in_fragment_) sink_.count(content, Rejection::fragment);
    in_fragment_ = true;
  } else if (!content.empty()) {
    in_fragment_ = false;
    const std::string_view document = padded(content);
    sink_.count(document, sink_.take(document));
  }
  held_.clear();
  begin_ = scan_ = next;
}

/// Looks whether the line that reaches to `to` opens an array, and goes in if it does.
bool Framer::enter_array(const char* to) {
  if (held_.size() > kArrayLeadMax) return false;
  const std::size_t held = held_.size();
  const std::size_t size = held + static_cast<std::size_t>(to - begin_);
  const auto at = [&](std::size_t i) { return i < held ? held_[i] : begin_[i - held]; };
  std::size_t open = 0;
  if (size >= kByteOrderMark.size() && at(0) == '\xEF') open = kByteOrderMark.size();
  while (open < size && open < kArrayLeadMax && is_blank(at(open))) ++open;
  if (open >= size || at(open) != '[') return false;
  std::size_t first = open + 1;
  while (first < size && first < kArrayLeadMax && is_blank(at(first))) ++first;
  const bool is_alone = first == size && to != end_;
  if (!is_alone && (first == size || (at(first) != '{' && at(first) != ']'))) return false;
  in_array_ = true;
  in_fragment_ = false;
  state_ = State::between;
  if (open >= held) begin_ += open + 1 - held;
  held_.clear();  // Behind the "[" it held blanks at most, or this would have been seen before.
  scan_ = begin_;
  return true;
}

void Framer::step_indented() {
  const char* brace = column_zero_brace(scan_, end_, before(scan_) == '\n');
  if (brace == nullptr) {
    scan_ = end_;
    return;
  }
  if (*brace == '}') {
    close_indented(brace + 1);
  } else {
    end_document(brace, Rejection::unfinished);
  }
}

void Framer::close_indented(const char* to) {
  if (skipping_) return end_document(to, std::nullopt);
  const std::string_view document = whole(to);
  if (document.size() > document_bytes_max_) return end_document(to, Rejection::too_long);
  const std::string_view readable = padded(document);
  const std::optional<Rejection> rejection = sink_.take(readable);
  if (rejection == Rejection::not_json) {
    // Written without indentation, perhaps: depth and strings say whether, and where, it ends.
    nesting_ = {};
    for (const char c : document) nesting_.see(c);
    if (nesting_.depth > 0) {
      state_ = State::nested;
      scan_ = to;
      return;
    }
  }
  sink_.count(readable, rejection);
  held_.clear();
  begin_ = scan_ = to;
  state_ = State::line;
}

void Framer::step_nested() {
  char previous = before(scan_);
  for (const char* at = scan_; at != end_; previous = *at++) {
    const char c = *at;
    const bool resyncs = previous == '\n' && (c == '{' || (in_array_ && c == ']'));
    if (resyncs) return end_document(at, Rejection::unfinished);
    const bool was_open = nesting_.depth > 0;
    const bool ends_scalar = c == ',' || c == ']' || c == '\n';
    if (!was_open && ends_scalar && !nesting_.in_string) return end_document(at, std::nullopt);
    nesting_.see(c);
    if (was_open && nesting_.depth == 0) return end_document(at + 1, std::nullopt);
  }
  scan_ = end_;
}

/// Between the elements of an array.
void Framer::step_between() {
  while (scan_ != end_ && (is_blank(*scan_) || *scan_ == ',')) ++scan_;
  begin_ = scan_;
  if (scan_ == end_) return;
  if (*scan_ == ']') {
    in_array_ = false;
    state_ = State::line;
    begin_ = ++scan_;
    return;
  }
  state_ = State::nested;
  nesting_ = {};
  nesting_.see(*scan_++);
}

/// The document under way ends at `to`; `known` says that it is broken.
void Framer::end_document(const char* to, std::optional<Rejection> known) {
  if (!skipping_) {
    const std::string_view document = whole(to);
    if (document.size() > document_bytes_max_) known = Rejection::too_long;
    const std::string_view readable = padded(document);
    sink_.count(readable, known ? known : sink_.take(readable));
  }
  skipping_ = false;
  held_.clear();
  begin_ = scan_ = to;
  state_ = in_array_ ? State::between : State::line;
}

/// Keeps what the piece holds of a document that is not whole yet.
void Framer::hold() {
  const auto size = static_cast<std::size_t>(end_ - begin_);
  if (skipping_ || state_ == State::between || size == 0) return;
  if (held_.size() + size > document_bytes_max_) {
    sink_.count(held_.empty() ? std::string_view(begin_, size) : held_, Rejection::too_long);
    skipping_ = true;
    held_.clear();
    held_.shrink_to_fit();
    return;
  }
  held_.append(begin_, size);
}

/// The bytes of the document under way up to `to`: where they lie, or put together in held_.
std::string_view Framer::whole(const char* to) {
  const auto size = static_cast<std::size_t>(to - begin_);
  if (held_.empty()) return {begin_, size};
  held_.append(begin_, size);
  begin_ = to;
  return held_;
}

std::string_view Framer::padded(std::string_view document) {
  const char* last = document.data() + document.size();
  const bool in_piece = last >= piece_ && last <= end_;
  if (in_piece && static_cast<std::size_t>(end_ - last) >= kDocumentPadding) return document;
  scratch_.assign(document);
  scratch_.append(kDocumentPadding, '\0');
  return std::string_view(scratch_).substr(0, document.size());
}

char Framer::before(const char* at) const { return at == piece_ ? previous_ : at[-1]; }

}  // namespace belay::monitor
