#pragma once

#include <random>
#include <string>

namespace belay::rules::test {

/// A correct sentence, drawn from the grammar and its types; the same for the same state of
/// `random`.
std::string random_sentence(std::mt19937_64& random);

}  // namespace belay::rules::test
