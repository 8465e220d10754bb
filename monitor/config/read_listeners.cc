#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "monitor/config/sections.h"

namespace belay::monitor {
namespace {

constexpr const char* kMetricsDefault = "127.0.0.1:9090";
/// Of 64 characters of base64 or hex: what nobody guesses in the time that there is.
constexpr std::size_t kTokenBytesMin = 16;
constexpr std::array<std::string_view, 3> kScopes = {"read", "gate", "ingest"};

bool has_scope(const Config& config, Scope scope) {
  return std::ranges::any_of(config.tokens, [scope](const TokenConfig& token) {
    return std::ranges::find(token.scopes, scope) != token.scopes.end();
  });
}

std::vector<Scope> read_scopes(const YamlValue& value) {
  std::vector<Scope> scopes;
  if (value.present() && value.list().empty()) {
    value.fault("a token is good for something: a list of read, gate and ingest", "[gate]");
  }
  for (const YamlValue& one : value.list()) {
    if (const auto index = one.choice(kScopes)) scopes.push_back(static_cast<Scope>(*index));
  }
  return scopes;
}

void read_tokens(const YamlValue& value, Config& config) {
  for (const YamlEntry& entry : value.entries()) {
    if (!check_name(entry, "a token")) continue;
    YamlMap map(entry.value, "a token");
    const YamlValue text = map.require("token");
    TokenConfig token{.name = entry.name,
                      .token = text.secret().value_or(Secret{}),
                      .scopes = read_scopes(map.require("scopes"))};
    const std::string& secret = token.token.reveal();
    if (!secret.empty() && secret.size() < kTokenBytesMin) {
      text.fault(fmt::format("a token has at least {} characters: `openssl rand -hex 32` makes one",
                             kTokenBytesMin));
    }
    const bool is_taken = std::ranges::any_of(config.tokens, [&](const TokenConfig& other) {
      return !secret.empty() && other.token.reveal() == secret;
    });
    if (is_taken) text.fault("another token has the same value: who would have done it?");
    config.tokens.push_back(std::move(token));
  }
}

void read_api(const YamlValue& value, Config& config) {
  config.api.is_default = !value.present();
  if (!value.present()) return;
  config.api.address = value.text() == "off" ? "" : read_address(value).value_or("");
  if (config.api.address.empty() || is_loopback(config.api.address)) return;
  if (has_scope(config, Scope::read) || has_scope(config, Scope::gate)) return;
  value.fault("off loopback, the API needs a token",
              "tokens: { ci: { token: \"${BELAY_TOKEN}\", scopes: [gate] } }");
}

void read_ingest(const YamlValue& value, Config& config) {
  if (!value.present()) return;
  IngestConfig ingest;
  bool is_unreadable = false;  // Which is told by itself.
  if (value.kind() == YamlValue::Kind::map) {
    YamlMap map(value, "ingest");
    ingest.address = read_address(map.require("listen")).value_or("");
    const YamlValue written = map.get("token");
    const auto token = written.secret();
    is_unreadable = written.present() && !token;
    ingest.token = token.value_or(Secret{});
  } else {
    ingest.address = read_address(value).value_or("");
  }
  const bool has_token = !ingest.token.empty() || has_scope(config, Scope::ingest);
  if (!ingest.address.empty() && !is_loopback(ingest.address) && !has_token && !is_unreadable) {
    value.fault("off loopback, pushing events needs a token",
                "{ listen: \"" + ingest.address + "\", token: \"${BELAY_INGEST_TOKEN}\" }");
  }
  config.ingest = std::move(ingest);
}

}  // namespace

void read_listeners(YamlMap& top, Config& config) {
  read_tokens(top.get("tokens"), config);
  read_api(top.get("listen"), config);
  const YamlValue metrics = top.get("metrics");
  config.metrics_is_default = !metrics.present();
  if (metrics.text() == "off") {
    config.metrics.clear();
  } else {
    config.metrics = read_address(metrics).value_or(kMetricsDefault);
  }
  read_ingest(top.get("ingest"), config);
}

}  // namespace belay::monitor
