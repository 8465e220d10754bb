#pragma once

#include <string>
#include <string_view>

namespace belay::test {

/// One gzip member.
std::string gzip(std::string_view bytes);

}  // namespace belay::test
