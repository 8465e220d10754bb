#include "rules/windows/route.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace belay::rules {
namespace {

constexpr std::size_t kSegmentBytesMax = 64;
constexpr std::size_t kHexMin = 8;
constexpr std::size_t kUuidBytes = 36;
constexpr std::size_t kTokenMin = 16;
constexpr std::size_t kDigitRunMin = 5;
constexpr std::size_t kExtensionMax = 5;
constexpr std::string_view kId = ":id";
constexpr std::string_view kRest = "/*";

/// What a byte can be part of.
enum : std::uint16_t {
  kDigit = 1,
  kHexLower = 2,  // a to f
  kHexUpper = 4,
  kLower = 8,  // g to z
  kUpper = 16,
  kDash = 32,
  kDateMark = 64,  // Stands between the digits of a date or a number, besides a dash.
  kEnd = 128,      // Ends the segment.
  kAt = 256,
  kOther = 512,
};
constexpr std::uint16_t kAnyLower = kHexLower | kLower;
constexpr std::uint16_t kAnyUpper = kHexUpper | kUpper;
constexpr std::uint16_t kHex = kDigit | kHexLower | kHexUpper;

constexpr std::array<std::uint16_t, 256> kClasses = [] {
  std::array<std::uint16_t, 256> classes{};
  classes.fill(kOther);
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] = kDigit;
  for (std::size_t c = 'a'; c <= 'z'; ++c) classes[c] = c <= 'f' ? kHexLower : kLower;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] = c <= 'F' ? kHexUpper : kUpper;
  for (const char c : {'.', ',', ':', '+'}) classes[static_cast<unsigned char>(c)] = kDateMark;
  for (const char c : {'T', 'Z'}) classes[static_cast<unsigned char>(c)] = kUpper | kDateMark;
  for (const char c : {'/', '?', '#'}) classes[static_cast<unsigned char>(c)] = kEnd;
  classes['-'] = kDash;
  classes['@'] = kAt;
  return classes;
}();

std::uint16_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }

/// Counts what tells an id from a word; only for segments with a digit in them, which are the few.
class Shape {
 public:
  explicit Shape(std::string_view text) {
    for (const char c : text) take(c);
    end_part();
  }
  [[nodiscard]] bool is_id() const {
    return only_date_ || digit_run_max_ >= kDigitRunMin || part_is_id_;
  }

 private:
  void take(char c) {
    const std::uint16_t kind = class_of(c);
    only_date_ = only_date_ && (kind & (kDigit | kDash | kDateMark)) != 0;
    if (c == '.') return end_part();
    ++length_;
    const bool is_digit = (kind & kDigit) != 0;
    digits_ += is_digit ? 1 : 0;
    digit_run_ = is_digit ? digit_run_ + 1 : 0;
    digit_run_max_ = std::max(digit_run_max_, digit_run_);
    if ((kind & kHex) != 0)
      ++hex_;
    else if (c != '-')
      only_hex_ = false;
    const int alphabet = alphabet_of(kind);
    changes_ += alphabet != 0 && alphabet_ != 0 && alphabet != alphabet_ ? 1 : 0;
    alphabet_ = alphabet;
  }

  /// Digits, small or capital letters; 0 for what separates them.
  static int alphabet_of(std::uint16_t kind) {
    if ((kind & kAnyLower) != 0) return 1;
    if ((kind & kAnyUpper) != 0) return 2;
    return (kind & kDigit) != 0 ? 3 : 0;
  }

  void end_part() {
    const bool is_hex = only_hex_ && hex_ >= kHexMin && digits_ > 0;
    // A random token changes between digits, small and capital letters every other byte or so; a
    // slug or a camel-case word does not.
    const bool is_token = length_ >= kTokenMin && ((digits_ >= 3 && changes_ >= 4) ||
                                                   (digits_ >= 1 && changes_ * 2 >= length_));
    part_is_id_ = part_is_id_ || is_hex || is_token;
    length_ = digits_ = digit_run_ = hex_ = changes_ = 0;
    alphabet_ = 0;
    only_hex_ = true;
  }

  bool only_date_ = true;
  bool part_is_id_ = false;
  std::size_t digit_run_max_ = 0;
  // Of the part between two dots.
  bool only_hex_ = true;
  std::size_t length_ = 0;
  std::size_t digits_ = 0;
  std::size_t digit_run_ = 0;
  std::size_t hex_ = 0;
  std::size_t changes_ = 0;
  int alphabet_ = 0;
};

/// ".png" of "a.png"; empty if what follows the last dot is not like an extension.
std::string_view extension_of(std::string_view segment) {
  const std::size_t dot = segment.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view extension = segment.substr(dot);
  if (extension.size() < 2 || extension.size() > kExtensionMax + 1) return {};
  // It begins with a letter and goes on with small letters and digits, or it is part of the id.
  if ((class_of(extension[1]) & kAnyLower) == 0) return {};
  for (const char c : extension.substr(1))
    if ((class_of(c) & (kAnyLower | kDigit)) == 0) return {};
  return extension;
}

/// Where the segment that begins at `at` ends; what was seen on the way goes into `seen`.
std::size_t segment_end(std::string_view url, std::size_t at, std::uint16_t& seen) {
  for (; at < url.size(); ++at) {
    const std::uint16_t kind = class_of(url[at]);
    if ((kind & kEnd) != 0) break;
    seen = static_cast<std::uint16_t>(seen | kind);
  }
  return at;
}

/// Where the path begins: behind "scheme://authority", if there is one.
std::size_t path_start(std::string_view url) {
  std::uint16_t unused = 0;
  const std::size_t stop = segment_end(url, 0, unused);
  if (stop == 0 || stop + 1 >= url.size() || url[stop - 1] != ':') return 0;
  if (url[stop] != '/' || url[stop + 1] != '/') return 0;
  return segment_end(url, stop + 2, unused);
}

/// The route as it grows.
class Writer {
 public:
  explicit Writer(RouteBuffer& buffer) : buffer_(buffer) {}

  /// False: it is full, and ends in "*" now.
  bool add(std::string_view stem, std::string_view extension) {
    const std::size_t needed = 1 + stem.size() + extension.size();
    if (depth_ == kRouteDepthMax || size_ + needed + kRest.size() > buffer_.size()) {
      append(kRest);
      return false;
    }
    ++depth_;
    buffer_[size_++] = '/';
    append(stem);
    append(extension);
    return true;
  }
  std::string_view finish() {
    if (size_ == 0) append("/");
    return {buffer_.data(), size_};
  }

 private:
  void append(std::string_view text) {
    // An empty view may point nowhere, which memcpy must not be given.
    if (!text.empty()) std::memcpy(buffer_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  RouteBuffer& buffer_;
  std::size_t size_ = 0;
  std::size_t depth_ = 0;
};

/// What most ids are: whether one is can be seen from the kinds of its bytes alone.
bool is_plain_id(std::string_view segment, std::uint16_t seen) {
  if (seen == kDigit) return true;
  if ((seen & ~kHex) == 0) return segment.size() >= kHexMin;
  return (seen & ~(kHex | kDash)) == 0 && segment.size() == kUuidBytes && segment[8] == '-' &&
         segment[13] == '-' && segment[18] == '-' && segment[23] == '-';
}

/// What most words with a digit are ("v1", "page2"): too short for hexadecimal or a token, too few
/// digits for a number, and no date.
bool is_plain_word(std::string_view segment, std::uint16_t seen) {
  constexpr std::uint16_t kWord = kDigit | kAnyLower | kDash;
  return (seen & ~kWord) == 0 && (seen & kAnyLower) != 0 && segment.size() <= kDigitRunMin;
}

bool add_segment(Writer& route, std::string_view segment, std::uint16_t seen) {
  if (segment.size() > kSegmentBytesMax || (seen & kAt) != 0 || segment == "REDACTED")
    return route.add(kId, {});
  if ((seen & kDigit) == 0) return route.add(segment, {});
  if (is_plain_id(segment, seen)) return route.add(kId, {});
  if (is_plain_word(segment, seen)) return route.add(segment, {});
  const std::string_view extension = extension_of(segment);
  const std::string_view stem = segment.substr(0, segment.size() - extension.size());
  return Shape(stem).is_id() ? route.add(kId, extension) : route.add(segment, {});
}

}  // namespace

std::string_view normalise_route(std::string_view url, RouteBuffer& buffer) {
  Writer route(buffer);
  std::size_t at = path_start(url);
  while (at < url.size()) {
    const std::size_t start = at;
    std::uint16_t seen = 0;
    at = segment_end(url, at, seen);
    if (at > start && !add_segment(route, url.substr(start, at - start), seen)) break;
    if (at < url.size() && url[at] != '/') break;
    ++at;
  }
  return route.finish();
}

}  // namespace belay::rules
