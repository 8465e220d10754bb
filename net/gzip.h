#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace belay::net {

/// Inflates whole gzip data, of one member or several. Error::Kind::failed: more than `bytes_max`
/// would come out, and nothing beyond that was made; `invalid`: it is not gzip, damaged, or cut
/// off.
Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);

}  // namespace belay::net
