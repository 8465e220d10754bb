#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "rules/judgement/verdict.h"

namespace belay::rules {

/// How long each thing has been unknown, and what of it is still to be told
/// (docs/adr/0004-unknown-pages.md). A spell lasts until the thing is known; each is told once, and
/// pages once.
///
/// - Ten minutes of any unknown but `warming` are told. `warming` ends by itself, or turns into
///   something else.
/// - Ten minutes of an unknown that hides what people are served page. `no_traffic` outside a gate
///   does not: a quiet night is no emergency.
class UnknownSpells {
 public:
  /// At each check, for each thing. `kind`: none when it is known. `what`: for people.
  void follow(const std::string& thing, std::optional<UnknownKind> kind, bool is_in_gate,
              const std::string& what, Instant now);
  void forget(const std::string& thing) { spells_.erase(thing); }

  struct Due {
    std::vector<std::string> lines;
    bool page = false;
  };
  /// What has become due since it was asked last; no lines: nothing.
  Due take_due();

 private:
  struct Spell {
    std::optional<Instant> since;         // Unknown, and not only warming.
    std::optional<Instant> hiding_since;  // Of a kind that pages.
    bool was_told = false;
    bool was_paged = false;
  };
  std::map<std::string, Spell> spells_;
  Due due_;
};

}  // namespace belay::rules
