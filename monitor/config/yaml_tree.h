#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/config/strict_yaml.h"
#include "monitor/config/written_secrets.h"

namespace belay::monitor {

/// What strict_yaml.h reads from: a YAML document as nodes with places, made without yaml-cpp's own
/// tree, which forgets duplicate keys and aliases. Only yaml_tree.cc knows the library.
struct YamlTree {
  struct Node {
    YamlValue::Kind kind = YamlValue::Kind::absent;
    bool is_plain = false;   ///< A scalar without quotes.
    bool is_broken = false;  ///< Reported already: nothing more is said about it.
    std::string scalar;
    std::size_t offset = 0;               ///< Of its first byte in `text`.
    std::vector<std::uint32_t> children;  ///< Of a list; of a map its keys and values in turn.
  };

  std::string name;
  std::string text;
  Interpolation interpolation;
  std::vector<std::size_t> line_starts;
  std::vector<Node> nodes = std::vector<Node>(1);  ///< 0 stands for an absent value.
  std::uint32_t root = 0;
  std::vector<rules::Located> faults;
  std::vector<TextSpan> secrets;  ///< Of `text`; what they span is shown to nobody.

  /// Parses `text`; what is wrong goes to `faults`.
  void parse();

  void add(rules::Diagnostic::Level level, std::size_t offset, std::size_t length,
           std::string message, std::string suggestion = {});
  /// Bytes that a node takes on its first line.
  [[nodiscard]] std::size_t length_of(const Node& node) const;
  /// Where the byte at `at` of a scalar's value stands in the file; the start of the scalar where
  /// that cannot be told (block scalars, escapes).
  [[nodiscard]] std::size_t source_offset(const Node& node, std::size_t at) const;

  /// What this value holds may be a secret that stands in the file itself; of a list or map all.
  void hide(const Node& node);
  /// The faults, without the secrets in the lines that they quote.
  [[nodiscard]] std::vector<rules::Located> shown_faults() const;

 private:
  void index_lines();
  bool is_text();
};

}  // namespace belay::monitor
