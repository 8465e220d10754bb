#pragma once

#include "tests/style/finding.h"

/// The boundaries of the house: which directory may see what. Each check is a pure function of one
/// file, and says nothing about files that are not its business.
namespace belay::style {

/// Includes follow the arrows: base sees base; net and rules see base; exporters see base, net and
/// rules; monitor sees all of them. Own headers are quoted and named from the root.
Findings check_arrows(const File& file);

/// base/ and rules/ touch nothing: no I/O, clock, thread, lock, randomness or log. base/check.cc
/// alone may print, on its way to abort.
Findings check_purity(const File& file);

/// base/ uses the standard library only, rules/ RE2 besides.
Findings check_third_party_in_pure_code(const File& file);

/// httplib.h only for peers that are ours (tests/, the demo); prometheus/exposer.h nowhere.
Findings check_forbidden_libraries(const File& file);

}  // namespace belay::style
