#include "monitor/config/strict_yaml.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.h"
#include "monitor/config/interpolate.h"
#include "monitor/config/yaml_tree.h"
#include "rules/language/units.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kKeysListed = 14;

std::string_view described(YamlValue::Kind kind) {
  switch (kind) {
    case YamlValue::Kind::list:
      return "a list";
    case YamlValue::Kind::map:
      return "a map";
    case YamlValue::Kind::scalar:
      return "a single value";
    case YamlValue::Kind::null:
    case YamlValue::Kind::absent:
      break;
  }
  return "nothing";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

YamlValue::Kind YamlValue::kind() const {
  return tree_ == nullptr ? Kind::absent : tree_->nodes[node_].kind;
}

void YamlValue::fault(std::string message, std::string suggestion) const {
  if (tree_ == nullptr) return;
  const YamlTree::Node& node = tree_->nodes[node_];
  tree_->add(rules::Diagnostic::Level::error, node.offset, tree_->length_of(node),
             std::move(message), std::move(suggestion));
}

void YamlValue::warning(std::string message, std::string suggestion) const {
  if (tree_ == nullptr) return;
  const YamlTree::Node& node = tree_->nodes[node_];
  tree_->add(rules::Diagnostic::Level::warning, node.offset, tree_->length_of(node),
             std::move(message), std::move(suggestion));
}

void YamlValue::report(const rules::Diagnostic& diagnostic) const {
  if (tree_ == nullptr) return;
  const YamlTree::Node& node = tree_->nodes[node_];
  const std::size_t begin = tree_->source_offset(node, diagnostic.column - 1);
  const std::size_t end = tree_->source_offset(node, diagnostic.column - 1 + diagnostic.length);
  tree_->add(diagnostic.level, begin, end > begin ? end - begin : 1, diagnostic.message,
             diagnostic.suggestion);
}

std::string YamlValue::place() const {
  if (tree_ == nullptr) return {};
  const std::size_t offset = tree_->nodes[node_].offset;
  const auto after = std::upper_bound(tree_->line_starts.begin(), tree_->line_starts.end(), offset);
  const auto line = after - tree_->line_starts.begin();
  return tree_->name + ":" + std::to_string(line) + ":" + std::to_string(offset - *(after - 1) + 1);
}

/// A scalar that no fault was reported of; reports one if it is something else.
bool YamlValue::is_readable_scalar(std::string_view wanted) const {
  const Kind kind = this->kind();
  if (kind == Kind::absent || tree_->nodes[node_].is_broken) return false;
  if (kind == Kind::scalar) return true;
  fault(std::string(wanted) + " should stand here, not " + std::string(described(kind)));
  return false;
}

bool YamlValue::is_plain() const { return tree_->nodes[node_].is_plain; }

std::optional<std::string> YamlValue::text() const {
  if (!is_readable_scalar("a text")) return std::nullopt;
  return tree_->nodes[node_].scalar;
}

std::optional<std::string> YamlValue::string() const {
  if (!is_readable_scalar("a text")) return std::nullopt;
  auto value = interpolate(tree_->nodes[node_].scalar, tree_->interpolation);
  if (value) return std::move(value).value();
  fault(value.error().message);
  return std::nullopt;
}

std::optional<Secret> YamlValue::secret(bool may_be_literal) const {
  hide();
  auto value = string();
  if (!value) return std::nullopt;
  if (value->empty()) {
    fault("a secret must not be empty");
    return std::nullopt;
  }
  if (!may_be_literal && !has_interpolation(tree_->nodes[node_].scalar)) {
    warning("a secret stands in the file itself: write ${NAME} or ${file:/path}");
  }
  return Secret(std::move(*value));
}

void YamlValue::hide() const {
  if (tree_ != nullptr) tree_->hide(tree_->nodes[node_]);
}

std::optional<bool> YamlValue::boolean() const {
  if (!is_readable_scalar("true or false")) return std::nullopt;
  const std::string& scalar = tree_->nodes[node_].scalar;
  if (is_plain() && (scalar == "true" || scalar == "false")) return scalar == "true";
  const bool is_yes = scalar == "yes" || scalar == "on" || scalar == "True" || scalar == "1";
  const bool is_no = scalar == "no" || scalar == "off" || scalar == "False" || scalar == "0";
  fault("true or false should stand here, without quotes", is_yes ? "true" : is_no ? "false" : "");
  return std::nullopt;
}

std::optional<std::int64_t> YamlValue::integer(std::int64_t min, std::int64_t max) const {
  if (!is_readable_scalar("a whole number")) return std::nullopt;
  const std::string& scalar = tree_->nodes[node_].scalar;
  std::int64_t value = 0;
  const char* end = scalar.data() + scalar.size();
  const auto read = std::from_chars(scalar.data(), end, value);
  if (!is_plain() || read.ec == std::errc::invalid_argument || read.ptr != end) {
    fault("a whole number should stand here, without quotes");
    return std::nullopt;
  }
  const std::size_t sign = scalar.starts_with('-') ? 1 : 0;
  if (scalar.size() > sign + 1 && scalar[sign] == '0') {
    fault("a number has no leading zero: it would be octal in YAML", std::to_string(value));
    return std::nullopt;
  }
  if (read.ec == std::errc{} && value >= min && value <= max) return value;
  fault("this number has to be " +
        (max == std::numeric_limits<std::int64_t>::max()
             ? "at least " + std::to_string(min)
             : "from " + std::to_string(min) + " to " + std::to_string(max)));
  return std::nullopt;
}

namespace {

/// A bare number with the unit that was meant: many hundreds, where it is minutes at most, are
/// milliseconds. Empty: no number.
std::string with_unit(const std::string& scalar, Duration max) {
  if (scalar.empty() || scalar.find_first_not_of("0123456789.") != std::string::npos) return {};
  const bool is_short = max <= std::chrono::minutes{10};
  const std::string_view whole = std::string_view(scalar).substr(0, scalar.find('.'));
  const bool is_large = whole.size() > 3 || (whole.size() == 3 && whole >= "200");
  return scalar + (is_short && is_large ? "ms" : "s");
}

}  // namespace

std::optional<Duration> YamlValue::duration(Duration min, Duration max) const {
  if (!is_readable_scalar("a duration")) return std::nullopt;
  const std::string& scalar = tree_->nodes[node_].scalar;
  const auto value = parse_duration(scalar);
  if (!value) {
    fault("a duration like 250ms, 5s or 1m30s should stand here", with_unit(scalar, max));
    return std::nullopt;
  }
  if (*value >= min && *value <= max) return value;
  fault("this duration has to be " +
        (max == Duration::max() ? "at least " + format_duration(min)
                                : "from " + format_duration(min) + " to " + format_duration(max)));
  return std::nullopt;
}

std::optional<double> YamlValue::percent() const {
  if (!is_readable_scalar("a percentage")) return std::nullopt;
  const std::string& scalar = tree_->nodes[node_].scalar;
  const bool has_sign = scalar.ends_with('%');
  const auto value = rules::read_hundredths(
      std::string_view(scalar).substr(0, scalar.size() - (has_sign ? 1 : 0)));
  if (has_sign && value && *value <= 1) return value;
  const std::string wanted = "a percentage from 0% to 100% should stand here";
  if (!has_sign && value && *value > 0 && *value < 0.01) {
    // 0.05 may be a share of 1.
    fault(
        fmt::format("{}: {}%, or {:g}% if that many of 1 are meant", wanted, scalar, *value * 1e4));
  } else {
    fault(wanted, !has_sign && value ? scalar + "%" : "");
  }
  return std::nullopt;
}

std::optional<std::size_t> YamlValue::choice(std::span<const std::string_view> names) const {
  if (!is_readable_scalar("a word")) return std::nullopt;
  const std::string& scalar = tree_->nodes[node_].scalar;
  const auto found = std::find(names.begin(), names.end(), scalar);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const auto meant = nearest(scalar, names);
  fault("one of these should stand here: " + joined({names.begin(), names.end()}),
        meant ? std::string(*meant) : "");
  return std::nullopt;
}

std::vector<YamlValue> YamlValue::list() const {
  std::vector<YamlValue> out;
  const Kind kind = this->kind();
  if (kind == Kind::absent || tree_->nodes[node_].is_broken) return out;
  if (kind != Kind::list) {
    fault("a list should stand here, not " + std::string(described(kind)));
    return out;
  }
  for (const std::uint32_t child : tree_->nodes[node_].children) out.push_back({tree_, child});
  return out;
}

std::vector<YamlEntry> YamlValue::entries() const {
  std::vector<YamlEntry> out;
  const Kind kind = this->kind();
  if (kind == Kind::absent || tree_->nodes[node_].is_broken) return out;
  if (kind != Kind::map) {
    fault("a map should stand here, not " + std::string(described(kind)));
    return out;
  }
  const std::vector<std::uint32_t>& children = tree_->nodes[node_].children;
  for (std::size_t i = 0; i + 1 < children.size(); i += 2) {
    out.push_back(
        {tree_->nodes[children[i]].scalar, {tree_, children[i + 1]}, {tree_, children[i]}});
  }
  return out;
}

YamlMap::YamlMap(YamlValue value, std::string what)
    : value_(value), what_(std::move(what)), entries_(value.entries()), read_(entries_.size()) {}

YamlMap::~YamlMap() {
  const std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (read_[i]) continue;
    std::string message = "\"" + entries_[i].name + "\" is no key of " + what_;
    if (const auto found = elsewhere_.find(entries_[i].name); found != elsewhere_.end()) {
      entries_[i].key.fault(std::move(message), found->second);
      continue;
    }
    const auto meant = nearest(entries_[i].name, known);
    if (!meant && asked_.size() <= kKeysListed) message += ": it has " + joined(asked_);
    entries_[i].key.fault(std::move(message), meant ? std::string(*meant) : "");
  }
}

void YamlMap::belongs_elsewhere(std::string key, std::string written) {
  elsewhere_.emplace(std::move(key), std::move(written));
}

YamlValue YamlMap::get(std::string_view key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name != key) continue;
    read_[i] = true;
    return entries_[i].value;
  }
  return {};
}

YamlValue YamlMap::require(std::string_view key) {
  YamlValue value = get(key);
  if (!value.present() && value_.kind() == YamlValue::Kind::map) {
    value_.fault("\"" + std::string(key) + "\" is missing in " + what_);
  }
  return value;
}

YamlFile::YamlFile(std::unique_ptr<YamlTree> tree) : tree_(std::move(tree)) {}
YamlFile::YamlFile(YamlFile&&) noexcept = default;
YamlFile::~YamlFile() = default;

YamlFile YamlFile::parse(std::string name, std::string text, Interpolation interpolation) {
  auto tree = std::make_unique<YamlTree>();
  tree->name = std::move(name);
  tree->text = std::move(text);
  tree->interpolation = std::move(interpolation);
  tree->parse();
  return YamlFile(std::move(tree));
}

Result<YamlFile> YamlFile::read(const std::string& path, Interpolation interpolation) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return Error{Error::Kind::not_found, path + " does not exist"};
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    return Error{Error::Kind::invalid, path + " is no regular file"};
  }
  if (std::filesystem::file_size(path, error) > kYamlBytesMax || error) {
    return Error{Error::Kind::invalid, path + " is larger than 1 MiB"};
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) return Error{Error::Kind::failed, path + " cannot be read"};
  return parse(path, std::move(text), beside(path, std::move(interpolation)));
}

YamlValue YamlFile::root() { return {tree_.get(), tree_->root}; }
const std::string& YamlFile::name() const { return tree_->name; }
bool YamlFile::failed() const { return rules::has_error(tree_->faults); }

std::vector<rules::Located> YamlFile::faults() const {
  std::vector<rules::Located> out = tree_->shown_faults();
  std::stable_sort(out.begin(), out.end(), [](const rules::Located& a, const rules::Located& b) {
    return std::pair(a.line, a.what.column) < std::pair(b.line, b.what.column);
  });
  return out;
}

}  // namespace belay::monitor
