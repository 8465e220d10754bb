#pragma once

#include <string>

#include "rules/language/rule.h"

namespace belay::rules::test {

/// Every field of a sentence but its text and the places in it: equal dumps are equal sentences.
/// Written apart from normal_form, so that the one can be checked against the other.
std::string dump(const Sentence& sentence);

}  // namespace belay::rules::test
