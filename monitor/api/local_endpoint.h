#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace belay::monitor {

/// How a program of the same user on the same machine reaches the daemon of a state: its address,
/// and a token that is good for everything as long as the daemon lives. Kept in `<state>/api`, mode
/// 0600 in a directory of mode 0700: who can read it could end the daemon as well.
struct LocalEndpoint {
  std::string url;  ///< "http://127.0.0.1:8080"
  Secret token;
};

/// Replaces what a daemon before us has left.
Status write_local_endpoint(const std::filesystem::path& state, const LocalEndpoint& endpoint);
/// Error kind not_found: there is none. Others: it is not ours alone, or cannot be read.
Result<LocalEndpoint> read_local_endpoint(const std::filesystem::path& state);
void remove_local_endpoint(const std::filesystem::path& state);

}  // namespace belay::monitor
