#pragma once

#include <map>
#include <string>

namespace belay::test {

/// The assignments of a TOML file whose values stand on one line, "http_service.internal_port" to
/// "8081"; strings without their quotes. A key that is assigned twice is a test's failure.
std::map<std::string, std::string> toml_lines(const std::string& text);

}  // namespace belay::test
