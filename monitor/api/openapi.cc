#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

#include "exporters/json.h"
#include "monitor/api/routes.h"

namespace belay::monitor {

/// Made by cmake/BelayEmbed.cmake.
std::span<const std::string_view> openapi_fragments();

const std::string& openapi_document() {
  static const std::string kDocument = [] {
    nlohmann::ordered_json whole = nlohmann::ordered_json::object();
    for (const std::string_view fragment : openapi_fragments()) {
      whole.merge_patch(nlohmann::ordered_json::parse(fragment));
    }
    return exporters::text_of(whole, 2) + "\n";
  }();
  return kDocument;
}

net::Outgoing show_openapi(const Call& /*call*/) {
  return {.content_type = "application/json", .body = openapi_document()};
}

}  // namespace belay::monitor
