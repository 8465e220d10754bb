#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "monitor/api/api.h"

namespace belay::test {

/// The API over a snapshot that the test writes, without a socket.
class ApiTest : public testing::Test {
 protected:
  static constexpr const char* kGateToken = "a-token-with-the-scope-gate";
  static constexpr const char* kReadToken = "a-token-with-the-scope-read";

  ApiTest();

  /// One service "shop" with a rule "shop-5xx".
  static rules::Snapshot shop();
  static rules::RolloutStatus rollout(const std::string& id);
  void publish(const rules::Snapshot& snapshot) { newest_.publish(snapshot); }
  void listen_off_loopback() { is_loopback_ = false; }

  /// A request as a browser or curl on this machine sends it.
  static net::Incoming request(const std::string& method, const std::string& target,
                               const std::string& token = "", const std::string& body = "");
  /// `later` answers are asked once.
  net::Outgoing ask(const net::Incoming& request);
  net::Outgoing get(const std::string& target, const std::string& token = "");
  net::Outgoing post(const std::string& target, const std::string& body,
                     const std::string& token = kGateToken);

  static nlohmann::json json_of(const net::Outgoing& answer);
  /// "invalid" of "urn:belay:problem:invalid".
  static std::string problem_of(const net::Outgoing& answer);
  static std::string header_of(const net::Outgoing& answer, const std::string& name);

  /// The events that were delivered.
  std::vector<rules::Event> delivered_;
  bool is_recorded_ = true;
  bool begins_rollouts_ = true;  ///< Before the first request.
  bool has_page_ = true;
  bool has_past_ = true;  ///< A journal, which `past_` looks into; before the first request.
  std::string driven_;    ///< The service whose traffic Belay moves.
  std::string stepless_;  ///< The service without steps of its own.
  std::string unmoved_;   ///< The one whose traffic nobody can move.
  Instant now_ = from_unix_ms(1'795'000'000'000);
  monitor::Newest newest_;
  monitor::JournalLookup past_;
  exporters::CommandsByService commands_;

 private:
  monitor::Api& api();
  bool is_loopback_ = true;
  std::unique_ptr<monitor::Api> api_;
};

}  // namespace belay::test
