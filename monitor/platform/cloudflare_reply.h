#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/platform/platform.h"
#include "net/http_client.h"

namespace belay::monitor {

/// One deployment of a Worker, as GET …/deployments lists it.
struct CloudflareDeployment {
  struct Share {
    std::string version;
    double percent = 0;
  };
  std::string id;
  std::string message;  ///< The annotation "workers/message".
  std::vector<Share> versions;

  /// Zero when the version is not part of it.
  [[nodiscard]] double percent_of(const std::string& version) const;
};

/// The deployments in an answer, the live one first; or why there are none to be had. An envelope
/// is believed only if it says success, whatever the HTTP status.
Result<std::vector<CloudflareDeployment>> deployments_in(const net::HttpResponse& response);

/// The version in an answer to GET …/versions/ID; one that does not exist is an answer too.
/// Whether it is deployable is not in it.
Result<VersionFacts> version_in(const net::HttpResponse& response);

/// The ids in an answer to GET …/versions.
Result<std::vector<std::string>> version_ids_in(const net::HttpResponse& response);

/// Whether a call that changes something was accepted. What the platform may have done all the same
/// (5xx, an answer cut off) is ambiguous.
Status accepted(const net::HttpResponse& response);

/// The id of the deployment in an answer to a call that was accepted; empty where it names none.
std::string made_deployment_in(const net::HttpResponse& response);

/// Why there was no answer. `changes`: a call that may have changed something once it was sent.
Error error_of(const net::HttpFault& fault, bool changes);

}  // namespace belay::monitor
