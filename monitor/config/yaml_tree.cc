#include "monitor/config/yaml_tree.h"

#include <algorithm>
#include <sstream>
#include <unordered_set>
#include <utility>

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/utf8.h"

namespace belay::monitor {
namespace {

using Kind = YamlValue::Kind;
/// More than a person reads; keeps a hostile file from growing the memory.
constexpr std::size_t kFaultsMax = 200;
constexpr auto kError = rules::Diagnostic::Level::error;

/// Takes yaml-cpp's events into the tree and reports what plain YAML lets pass.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(YamlTree& tree) : tree_(tree) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    const bool is_marked = tree_.text.substr(0, offset(mark) + 3).find("---") != std::string::npos;
    fault(mark, is_marked ? "a second document: a file holds one" : "this does not belong here");
  }
  void OnDocumentEnd() override {}
  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override {
    fault(mark, "anchors are not used here: write the value where it belongs");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    fault(mark, "aliases are not used here: write the value out");
    YamlTree::Node node{Kind::null};
    node.is_broken = true;
    put(mark, std::move(node));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    put(mark, YamlTree::Node{Kind::null});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    YamlTree::Node node{Kind::scalar};
    node.is_plain = tag == "?";
    node.scalar = value;
    node.is_broken = !check_tag(mark, tag) || !check_quote(mark, node.is_plain);
    put(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open_.push_back({put(mark, YamlTree::Node{Kind::list}), {}, 0, true});
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(mark, tag);
    open_.push_back({put(mark, YamlTree::Node{Kind::map}), {}, 0, true});
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    std::uint32_t node;
    std::unordered_set<std::string> keys;
    std::uint32_t key;     ///< Waits for its value; 0: a key comes next.
    bool key_is_accepted;  ///< Else its value is read and forgotten.
  };

  [[nodiscard]] std::size_t offset(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    const auto column = static_cast<std::size_t>(std::max(mark.column, 0));
    if (line >= tree_.line_starts.size()) return tree_.text.size();
    return std::min(tree_.line_starts[line] + column, tree_.text.size());
  }

  void fault(const YAML::Mark& mark, std::string message) {
    tree_.add(kError, offset(mark), 1, std::move(message));
  }

  bool check_tag(const YAML::Mark& mark, const std::string& tag) {
    const std::size_t at = offset(mark);
    const bool written = at < tree_.text.size() && tree_.text[at] == '!';
    if (!written && (tag.empty() || tag == "?" || tag == "!")) return true;
    fault(mark, "tags are not used here");
    return false;
  }

  /// yaml-cpp takes a quote that is never closed up to the end of the file.
  bool check_quote(const YAML::Mark& mark, bool is_plain) {
    const std::size_t at = offset(mark);
    if (is_plain || at >= tree_.text.size()) return true;
    const char quote = tree_.text[at];
    if (quote != '"' && quote != '\'') return true;
    for (std::size_t i = at + 1; i < tree_.text.size(); ++i) {
      if (quote == '"' && tree_.text[i] == '\\')
        ++i;
      else if (tree_.text[i] == quote)
        return true;
    }
    fault(mark, "this quote is never closed");
    return false;
  }

  std::uint32_t put(const YAML::Mark& mark, YamlTree::Node node) {
    node.offset = offset(mark);
    const auto id = static_cast<std::uint32_t>(tree_.nodes.size());
    tree_.nodes.push_back(std::move(node));
    if (open_.empty()) {
      if (tree_.root == 0) tree_.root = id;
      return id;
    }
    Open& open = open_.back();
    if (tree_.nodes[open.node].kind == Kind::list) {
      tree_.nodes[open.node].children.push_back(id);
    } else if (open.key == 0) {
      take_key(open, id);
    } else {
      // yaml-cpp places a value that is not there at whatever comes next.
      if (tree_.nodes[id].kind == Kind::null) tree_.nodes[id].offset = tree_.nodes[open.key].offset;
      if (open.key_is_accepted) {
        tree_.nodes[open.node].children.push_back(open.key);
        tree_.nodes[open.node].children.push_back(id);
      }
      open.key = 0;
    }
    return id;
  }

  void take_key(Open& open, std::uint32_t id) {
    const YamlTree::Node& key = tree_.nodes[id];
    open.key = id;
    open.key_is_accepted = false;
    const std::size_t length = tree_.length_of(key);
    if (key.kind != Kind::scalar) {
      tree_.add(kError, key.offset, 1, "a key has to be a word");
    } else if (key.is_plain && key.scalar == "<<") {
      tree_.add(kError, key.offset, length, "merging (<<) is not used here: write the values out");
    } else if (!open.keys.insert(key.scalar).second) {
      tree_.add(kError, key.offset, length, "\"" + key.scalar + "\" stands here twice");
    } else {
      open.key_is_accepted = true;
    }
  }

  YamlTree& tree_;
  std::vector<Open> open_;
  int documents_ = 0;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

void YamlTree::index_lines() {
  line_starts.push_back(0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_starts.push_back(i + 1);
  }
}

bool YamlTree::is_text() {
  for (std::size_t i = 0; i < text.size();) {
    const auto character = decode_utf8(std::string_view(text).substr(i));
    const auto byte = static_cast<unsigned char>(text[i]);
    if (!character) return add(kError, i, 1, "the file is not UTF-8 here"), false;
    if ((byte < 0x20 && !is_blank(text[i])) || byte == 0x7F) {
      return add(kError, i, 1, "a control character stands here"), false;
    }
    i += character->bytes;
  }
  return true;
}

void YamlTree::parse() {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  index_lines();
  if (text.size() > kYamlBytesMax) return add(kError, 0, 1, "the file is larger than 1 MiB");
  if (!is_text()) return;
  TreeBuilder builder(*this);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    // Never in a loop: yaml-cpp does not pass a stray "," and sees a new document in it for ever.
    if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
  } catch (const YAML::DeepRecursion&) {
    root = 0;
    faults.clear();
    return add(kError, 0, 1, "the values are nested too deeply");
  } catch (const YAML::Exception& error) {
    root = 0;
    const auto line = static_cast<std::size_t>(std::max(error.mark.line, 0));
    const std::size_t start = line < line_starts.size() ? line_starts[line] : text.size();
    const auto column = static_cast<std::size_t>(std::max(error.mark.column, 0));
    return add(kError, start + column, 1, "not YAML: " + error.msg);
  }
  if (root == 0) add(kError, 0, 1, "the file is empty");
}

void YamlTree::add(rules::Diagnostic::Level level, std::size_t offset, std::size_t length,
                   std::string message, std::string suggestion) {
  if (faults.size() >= kFaultsMax) return;
  if (faults.size() + 1 == kFaultsMax) message += " (and more, which are not shown)";
  offset = std::min(offset, text.size());
  const auto after = std::upper_bound(line_starts.begin(), line_starts.end(), offset);
  const auto line = static_cast<std::size_t>(after - line_starts.begin());
  const std::size_t start = line_starts[line - 1];
  std::size_t end = std::min(text.find('\n', start), text.size());
  if (end > start && text[end - 1] == '\r') --end;
  length = std::clamp<std::size_t>(length, 1, std::max<std::size_t>(end, offset + 1) - offset);
  faults.push_back({name,
                    static_cast<std::uint32_t>(line),
                    {level, static_cast<std::uint32_t>(offset - start + 1),
                     static_cast<std::uint32_t>(length), std::move(message), std::move(suggestion)},
                    text.substr(start, end - start)});
}

std::size_t YamlTree::length_of(const Node& node) const {
  if (node.kind != Kind::scalar) return 1;
  return node.scalar.size() + (node.is_plain ? 0 : 2);
}

std::size_t YamlTree::source_offset(const Node& node, std::size_t at) const {
  const char quote = node.offset < text.size() ? text[node.offset] : ' ';
  if (!node.is_plain && quote != '"' && quote != '\'') return node.offset;
  std::size_t source = node.offset + (node.is_plain ? 0 : 1);
  for (std::size_t i = 0; i < at && i < node.scalar.size() && source < text.size();) {
    std::size_t run = source;
    while (run < text.size() && is_blank(text[run])) ++run;
    const bool folds = text.substr(source, run - source).find('\n') != std::string::npos;
    if (folds) {  // a line break and its indentation read as one blank
      source = run;
      while (i < node.scalar.size() && is_blank(node.scalar[i])) ++i;
      continue;
    }
    if (!node.is_plain && (text[source] == '\\' || text[source] == quote)) {
      ++source;  // the first byte of \" and ''
      if (source >= text.size() || text[source] != node.scalar[i]) return node.offset;
    }
    ++source;
    ++i;
  }
  return source;
}

void YamlTree::hide(const Node& node) {
  const bool is_map = node.kind == Kind::map;
  for (std::size_t i = is_map ? 1 : 0; i < node.children.size(); i += is_map ? 2 : 1)
    hide(nodes[node.children[i]]);
  if (node.kind != Kind::scalar || node.scalar.empty()) return;
  const std::size_t begin = source_offset(node, 0);
  const std::size_t end = source_offset(node, node.scalar.size());
  // Where the value ends is not known of escapes and blocks: then all that follows on its line.
  const std::size_t line_end = std::min(text.find('\n', node.offset), text.size());
  const auto parts = literal_parts(text, {begin, end > begin ? end : line_end});
  secrets.insert(secrets.end(), parts.begin(), parts.end());
}

std::vector<rules::Located> YamlTree::shown_faults() const {
  std::vector<rules::Located> shown = faults;
  for (rules::Located& fault : shown) {
    mask_likely_secrets(fault.source_line);
    const std::size_t start = line_starts[fault.line - 1];
    const std::size_t line_end = start + fault.source_line.size();
    for (const TextSpan& secret : secrets) {
      for (std::size_t at = std::max(start, secret.begin); at < std::min(line_end, secret.end);
           ++at)
        fault.source_line[at - start] = '*';
    }
  }
  return shown;
}

}  // namespace belay::monitor
