#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace belay {

void check_failed(std::string_view condition, std::string_view message,
                  std::source_location where) {
  std::string text = "belay: internal error: ";
  text.append(message).append(" (").append(condition).append(") at ").append(where.file_name());
  text.append(":").append(std::to_string(where.line())).append("\n");
  std::fputs(text.c_str(), stderr);
  std::abort();
}

}  // namespace belay
