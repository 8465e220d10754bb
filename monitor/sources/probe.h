#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "monitor/source.h"
#include "monitor/sources/probe_check.h"
#include "net/http_client.h"

namespace belay::monitor {

struct ProbeOptions {
  rules::SourceId source{};
  /// What is called; its deadline bounds one call absolutely.
  net::HttpRequest request;
  std::chrono::nanoseconds every = std::chrono::seconds{5};
  ProbeExpectation expectation;

  /// The versions to aim at, one call each; asked before every round, on the source's thread. None,
  /// or no function: one call, at whichever version answers.
  std::function<std::vector<std::string>()> versions;
  /// Added to a call that is aimed; "{version}" stands for the version's id.
  std::vector<net::Header> version_headers;
  /// Dotted path of the field of a JSON answer in which the service names its version; empty: it
  /// does not. Platforms ignore a version header silently when they do not know it (yet): with
  /// this, an answer counts for whoever gave it.
  std::string version_path;
};

/// A Worker of the live deployment, 0 % of the traffic included. It takes seconds to spread, and is
/// ignored otherwise.
net::Header cloudflare_version_header(const std::string& script);

/// A Fly machine: here a version's id is the id of a machine that runs it.
net::Header fly_instance_header();

/// Calls a URL with a steady cadence and says what came of it: one rules::Probe a call, SourceState
/// and SourceProgress each interval. A call that fails is evidence; one that cannot be made as
/// configured (a URL that is none, an address that is forbidden) is none: then the source is down.
class ProbeSource final : public Source {
 public:
  explicit ProbeSource(ProbeOptions options);
  void run(std::stop_token stop, Lane& lane, const Clock& clock) override;

 private:
  const ProbeOptions options_;
};

}  // namespace belay::monitor
