#include "monitor/sources/probe.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "base/sanitize.h"
#include "monitor/parse/interner.h"
#include "monitor/sources/cadence.h"

namespace belay::monitor {
namespace {

constexpr std::string_view kVersionMark = "{version}";

std::string with_version(std::string text, std::string_view version) {
  for (std::size_t at = text.find(kVersionMark); at != std::string::npos;
       at = text.find(kVersionMark, at + version.size())) {
    text.replace(at, kVersionMark.size(), version);
  }
  return text;
}

/// One run of a probe.
class Round {
 public:
  Round(const ProbeOptions& options, Lane& lane, const Clock& clock)
      : options_(options), lane_(lane), clock_(clock), texts_(options.source) {}

  void call_all(const std::stop_token& stop) {
    const std::vector<std::string> versions =
        options_.versions ? options_.versions() : std::vector<std::string>{};
    if (versions.empty()) call("", stop);
    for (const std::string& version : versions) call(version, stop);
    if (stop.stop_requested()) return;
    lane_.deliver(rules::SourceProgress{.source = options_.source,
                                        .at = clock_.now(),
                                        .documents = calls_,
                                        .used = calls_,
                                        .bytes = bytes_});
  }

 private:
  void call(const std::string& version, const std::stop_token& stop) {
    net::HttpRequest request = options_.request;
    if (!version.empty()) {
      for (const net::Header& header : options_.version_headers) {
        request.headers.push_back({header.name, with_version(header.value, version)});
      }
    }
    const auto outcome = net::http_call(request, stop);
    if (const auto* fault = std::get_if<net::HttpFault>(&outcome)) {
      record_fault(version, *fault);
    } else {
      record_answer(version, std::get<net::HttpResponse>(outcome));
    }
  }

  void record_fault(const std::string& version, const net::HttpFault& fault) {
    using Kind = net::HttpFault::Kind;
    if (fault.kind == Kind::stopped) return;
    if (fault.kind == Kind::invalid || fault.kind == Kind::forbidden_address) {
      say(rules::SourceHealth::down, fault.message);
      return;
    }
    record({.version = texts_.id(version)}, check_fault(fault));
  }

  void record_answer(const std::string& version, const net::HttpResponse& response) {
    bytes_ += response.body.size();
    std::string answered = version;
    if (!version.empty() && !options_.version_path.empty()) {
      // Nobody says who answered: then it is no evidence about any one version.
      answered = sanitize(json_scalar(response.body, options_.version_path).value_or(""), 200);
    }
    const auto latency_us =
        std::min<std::int64_t>(response.total.count(), std::numeric_limits<std::uint32_t>::max());
    record({.version = texts_.id(answered),
            .latency_us = static_cast<std::uint32_t>(latency_us),
            .status = static_cast<std::uint16_t>(response.status)},
           check_answer(response, options_.expectation));
  }

  void record(rules::Probe probe, const ProbeFinding& finding) {
    ++calls_;
    probe.source = options_.source;
    probe.at = clock_.now();
    probe.failure = finding.failure;
    probe.detail = texts_.id(finding.detail);
    for (rules::TextDefined& text : texts_.take_defined()) lane_.deliver(std::move(text));
    say(rules::SourceHealth::alive, "");
    lane_.offer(probe);
  }

  void say(rules::SourceHealth health, const std::string& detail) {
    lane_.deliver(rules::SourceState{
        .source = options_.source, .at = clock_.now(), .health = health, .detail = detail});
  }

  const ProbeOptions& options_;
  Lane& lane_;
  const Clock& clock_;
  Interner texts_;
  std::uint64_t calls_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

net::Header cloudflare_version_header(const std::string& script) {
  return {"Cloudflare-Workers-Version-Overrides",
          script + "=\"" + std::string(kVersionMark) + "\""};
}

net::Header fly_instance_header() { return {"fly-force-instance-id", std::string(kVersionMark)}; }

ProbeSource::ProbeSource(ProbeOptions options) : options_(std::move(options)) {}

void ProbeSource::run(std::stop_token stop, Lane& lane, const Clock& clock) {
  Round round(options_, lane, clock);
  Cadence cadence(options_.every);
  while (cadence.wait(stop)) round.call_all(stop);
}

}  // namespace belay::monitor
