#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "rules/language/located.h"

namespace belay::monitor {

/// A strict reading of YAML, on which belay.yaml and rule files stand. What plain YAML lets pass is
/// refused: duplicate keys, unknown keys, `<<`, anchors and aliases, tags, a second document, an
/// unclosed quote, bytes that are not UTF-8, more than 1 MiB. Reading goes on after a fault, so
/// that one run shows all of them, each with line and column.
///
///     YamlFile file = YamlFile::parse("belay.yaml", text, Interpolation::of_process());
///     YamlMap top(file.root(), "the configuration");
///     config.state = top.get("state").string().value_or("./belay-state");
///     for (auto& [name, value] : top.require("services").entries()) { YamlMap service(value, ...);
///     ... }
///     // leaving the scope of a YamlMap reports the keys that nobody asked for
///     if (file.failed()) refuse(file.faults());

inline constexpr std::size_t kYamlBytesMax = 1 << 20;

/// Where `${VAR}`, `${VAR:-default}` and `${file:PATH}` get their values. `$$` is one dollar sign.
/// Done after parsing and in strings only, so a value can never become YAML.
struct Interpolation {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::function<Result<std::string>(const std::string& path)> file;

  /// The environment and the file system. A file is at most 64 KiB; one line break at its end is
  /// cut.
  static Interpolation of_process();
};

struct YamlTree;
struct YamlEntry;

/// One value of a file, or its absence. Cheap to copy; lives as long as its YamlFile. The readers
/// return nothing when the value is absent, and report a fault and return nothing when it is wrong:
/// so `map.get("every").duration().value_or(5s)` is all a caller needs to write.
class YamlValue {
 public:
  enum class Kind : std::uint8_t { absent, null, scalar, list, map };

  YamlValue() = default;
  [[nodiscard]] Kind kind() const;
  [[nodiscard]] bool present() const { return kind() != Kind::absent; }

  /// As written, without interpolation: names and sentences.
  [[nodiscard]] std::optional<std::string> text() const;
  /// Interpolated.
  [[nodiscard]] std::optional<std::string> string() const;
  /// Interpolated; must not be empty. No fault shows it, not even in the line that it quotes. A
  /// value that stands in the file itself gets a warning unless `may_be_literal` (an address that
  /// only may hold a password).
  [[nodiscard]] std::optional<Secret> secret(bool may_be_literal = false) const;
  /// For what may hold a secret and is not one: what is written here is shown to nobody, nor what
  /// lies below it. `${NAME}` is.
  void hide() const;
  /// `true` or `false`, unquoted; `yes`, `on` and `1` are faults.
  [[nodiscard]] std::optional<bool> boolean() const;
  /// Decimal, unquoted, without a leading zero.
  [[nodiscard]] std::optional<std::int64_t> integer(
      std::int64_t min, std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  /// "5s", "1m30s": base/time.h. A bare number is a fault.
  [[nodiscard]] std::optional<Duration> duration(Duration min = {},
                                                 Duration max = Duration::max()) const;
  /// "10%" -> 0.1, from 0 to 1.
  [[nodiscard]] std::optional<double> percent() const;
  /// The index in `names` of the name that is written.
  [[nodiscard]] std::optional<std::size_t> choice(std::span<const std::string_view> names) const;
  /// The elements of a list; empty if it is none.
  [[nodiscard]] std::vector<YamlValue> list() const;
  /// The entries of a map with free names, in the order of the file; empty if it is none. For a map
  /// with fixed keys use YamlMap.
  [[nodiscard]] std::vector<YamlEntry> entries() const;

  /// "belay.yaml:12:5", for messages about something found later.
  [[nodiscard]] std::string place() const;
  /// Reports something about this value. An absent value is reported at the start of the file.
  void fault(std::string message, std::string suggestion = {}) const;
  void warning(std::string message, std::string suggestion = {}) const;
  /// Reports what parsing text() has found: its column is mapped to the file's.
  void report(const rules::Diagnostic& diagnostic) const;

 private:
  friend class YamlFile;
  friend class YamlMap;
  YamlValue(YamlTree* tree, std::uint32_t node) : tree_(tree), node_(node) {}
  [[nodiscard]] bool is_readable_scalar(std::string_view wanted) const;
  [[nodiscard]] bool is_plain() const;

  YamlTree* tree_ = nullptr;
  std::uint32_t node_ = 0;
};

struct YamlEntry {
  std::string name;
  YamlValue value;
  YamlValue key;  ///< For a fault about the name.
};

/// Reads a map whose keys are fixed. When it goes, every key that was never asked for is reported
/// as unknown, with the nearest of those that were asked for. `what` names it in messages: "a
/// probe".
class YamlMap {
 public:
  YamlMap(YamlValue value, std::string what);
  ~YamlMap();
  YamlMap(const YamlMap&) = delete;
  YamlMap& operator=(const YamlMap&) = delete;

  /// The value of an optional key.
  [[nodiscard]] YamlValue get(std::string_view key);
  /// A key that people look for here: `written` is how it is written where it belongs.
  void belongs_elsewhere(std::string key, std::string written);
  /// Its absence is a fault.
  [[nodiscard]] YamlValue require(std::string_view key);
  [[nodiscard]] const YamlValue& value() const { return value_; }

 private:
  YamlValue value_;
  std::string what_;
  std::vector<YamlEntry> entries_;
  std::vector<bool> read_;  ///< Beside entries_.
  std::vector<std::string> asked_;
  std::map<std::string, std::string> elsewhere_;
};

/// One parsed file and everything found wrong with it. Never throws.
class YamlFile {
 public:
  /// `name` is what messages show. What cannot be parsed gives an absent root and a fault.
  static YamlFile parse(std::string name, std::string text, Interpolation interpolation);
  /// Reads the file first: a regular one of at most 1 MiB. `${file:…}` begins at its directory.
  static Result<YamlFile> read(const std::string& path, Interpolation interpolation);

  YamlFile(YamlFile&&) noexcept;
  YamlFile& operator=(YamlFile&&) = delete;
  ~YamlFile();

  [[nodiscard]] YamlValue root();
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] bool failed() const;  ///< There is an error among the faults.
  /// Errors and warnings in the order of the file.
  [[nodiscard]] std::vector<rules::Located> faults() const;

 private:
  explicit YamlFile(std::unique_ptr<YamlTree> tree);
  std::unique_ptr<YamlTree> tree_;
};

}  // namespace belay::monitor
