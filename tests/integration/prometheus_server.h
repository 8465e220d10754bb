#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace belay::test {

/// A real prometheus on a free port of 127.0.0.1 that scrapes one target.
class PrometheusServer {
 public:
  /// `target`: the port of 127.0.0.1 whose /metrics it scrapes, every `interval`.
  PrometheusServer(std::uint16_t target, std::chrono::milliseconds interval);

  /// The result of an instant query, a JSON array; empty as well while it does not answer.
  [[nodiscard]] nlohmann::json query(const std::string& expression) const;
  /// Whether a query answers with a number, at least one: a series of NaN alone shows nothing.
  [[nodiscard]] bool has_data(const std::string& expression) const;
  /// GET of its API, "/api/v1/targets": the field `data`, null if there is none.
  [[nodiscard]] nlohmann::json get(const std::string& path) const;
  /// What it printed.
  [[nodiscard]] std::string log() const;

 private:
  TemporaryDirectory directory_;
  std::uint16_t port_;
  std::unique_ptr<ChildProcess> child_;
};

/// What `promtool check metrics` says of a page; empty if it has nothing to say and ends with 0.
std::string promtool_complaints(const std::string& page);

}  // namespace belay::test
