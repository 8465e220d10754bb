#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/event.h"
#include "rules/judgement/names.h"
#include "rules/language/rule.h"

namespace re2 {
class RE2;
}

namespace belay::rules {

/// What alike requests share, in the engine's ids.
struct Call {
  NameId version = kNoName;
  NameId route = kNoName;
  NameId method = kNoName;
  NameId outcome = kNoName;  ///< kNoName: "ok".
  std::uint16_t status = 0;
  Invocation invocation = Invocation::fetch;
  bool has_exception = false;
  bool is_error = false;
  bool is_canceled = false;  ///< The client left before its end.
};

/// A status of 500 or above, or an outcome that is neither success nor a client who left.
bool is_error(std::uint16_t status, std::string_view outcome);
/// An outcome of a client who left.
bool is_canceled(std::string_view outcome);

/// "fetch", "queue", ...: the label `type`.
const char* name_of(Invocation invocation);

/// Whose evidence counts.
struct VersionFilter {
  bool all = true;
  NameId version = kNoName;
  /// Only evidence that names the version: what speaks for all cannot tell who is to blame.
  bool is_strict = false;

  [[nodiscard]] bool takes(NameId of) const { return all || of == version; }
  /// For what is seldom aimed at a version (probes, Prometheus): evidence without one speaks for
  /// all.
  [[nodiscard]] bool takes_or_none(NameId of) const {
    return takes(of) || (of == kNoName && !is_strict);
  }
};

/// Labels, compiled once.
class LabelFilter {
 public:
  explicit LabelFilter(const std::vector<LabelMatch>& labels);
  ~LabelFilter();
  LabelFilter(LabelFilter&&) noexcept;
  LabelFilter& operator=(LabelFilter&&) noexcept;

  [[nodiscard]] bool takes(const Call& call, const NameTable& names) const;

 private:
  struct Test {
    LabelName name{};
    LabelTest test{};
    std::string text;
    std::unique_ptr<re2::RE2> expression;
  };
  std::vector<Test> tests_;
};

/// Whether a call is one of those that a share or a rate counts.
bool is_counted(const Call& call, Counted counted, std::uint16_t status);

}  // namespace belay::rules
