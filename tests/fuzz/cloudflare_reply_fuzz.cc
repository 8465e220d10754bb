#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "monitor/platform/cloudflare_reply.h"

/// Any answer of the platform, its status by the first byte, is deployments or an error; a status
/// that is not a success is never believed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  belay::net::HttpResponse response;
  response.status = data[0] < 128 ? 200 : 100 + data[0];
  response.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto deployments = belay::monitor::deployments_in(response);
  if (deployments) {
    for (const auto& deployment : *deployments) {
      for (const auto& share : deployment.versions) {
        BELAY_CHECK(share.percent >= 0 && share.percent <= 100, "a share of traffic");
      }
    }
  } else {
    BELAY_CHECK(!deployments.error().message.empty(), "an error says what is wrong");
  }
  const auto accepted = belay::monitor::accepted(response);
  BELAY_CHECK(accepted || !accepted.error().message.empty(), "an error says what is wrong");
  return 0;
}
