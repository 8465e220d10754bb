#include <algorithm>
#include <charconv>
#include <limits>

#include "net/percent_coding.h"
#include "net/redis.h"

namespace belay::net {
namespace {

template <typename Number>
std::optional<Number> number_in(std::string_view text, Number at_most) {
  Number number{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size() || number > at_most || number < 0) {
    return std::nullopt;
  }
  return number;
}

/// Cuts `text` at `mark`; what follows it is returned, without a mark nothing.
std::optional<std::string_view> cut_after(std::string_view& text, std::size_t mark) {
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view after = text.substr(mark + 1);
  text = text.substr(0, mark);
  return after;
}

// No message repeats the URL: it may hold the password.
Error invalid(std::string why) {
  return Error{.kind = Error::Kind::invalid, .message = "not a Redis URL: " + std::move(why)};
}

bool is_host(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return c > 0x20 && c < 0x7F && c != '/' && c != '@';
  });
}

Status parse_userinfo(std::string_view text, RedisUrl& url) {
  const std::optional<std::string_view> after = cut_after(text, text.find(':'));
  const std::optional<std::string> user = percent_decoded(text);
  const std::optional<std::string> password = percent_decoded(after.value_or(""));
  if (!user || !password) return invalid("a broken % sequence in the user or the password");
  if (password->empty()) return invalid("a user without a password");
  url.user = *user;
  url.password = Secret(*password);
  return Done{};
}

Status parse_host_and_port(std::string_view text, RedisUrl& url) {
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return invalid("a [ without a ]");
    const std::string_view rest = text.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return invalid("something other than :PORT after ]");
    if (!rest.empty()) port = rest.substr(1);
    text = text.substr(1, bracket - 1);
  } else {
    port = cut_after(text, text.find(':'));
  }
  if (!is_host(text)) return invalid("no host");
  url.host = text;
  if (!port) return Done{};
  const auto number = number_in<int>(*port, std::numeric_limits<std::uint16_t>::max());
  if (!number || *number == 0) return invalid("the port is not a number from 1 to 65535");
  url.port = static_cast<std::uint16_t>(*number);
  return Done{};
}

}  // namespace

Result<RedisUrl> RedisUrl::parse(std::string_view text) {
  RedisUrl url;
  constexpr std::string_view kPlain = "redis://";
  constexpr std::string_view kTls = "rediss://";
  url.tls = text.starts_with(kTls);
  if (!url.tls && !text.starts_with(kPlain)) {
    return invalid("it must begin with redis:// or rediss://");
  }
  text.remove_prefix(url.tls ? kTls.size() : kPlain.size());
  if (text.find_first_of("?#") != std::string_view::npos) {
    return invalid(
        "nothing may follow the database's number; write ? and # in a password as %3F, %23");
  }
  // The last @: a password with a bare one in it is more likely than a host.
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    if (Status parsed = parse_userinfo(text.substr(0, at), url); !parsed) return parsed.error();
    text.remove_prefix(at + 1);
  }
  const std::string_view database = cut_after(text, text.find('/')).value_or("");
  if (!database.empty()) {
    const auto number = number_in<int>(database, std::numeric_limits<int>::max());
    if (!number) return invalid("the database is not a number");
    url.database = *number;
  }
  if (Status parsed = parse_host_and_port(text, url); !parsed) return parsed.error();
  return url;
}

std::string RedisUrl::shown() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (tls ? "rediss://" : "redis://") + (is_ipv6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port) + (database != 0 ? "/" + std::to_string(database) : "");
}

}  // namespace belay::net
