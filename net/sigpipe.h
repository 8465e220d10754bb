#pragma once

#include <csignal>

namespace belay::net {

/// Keeps SIGPIPE from this thread while it lives, and takes back one that was raised meanwhile. For
/// OpenSSL, which writes to sockets in a way that raises it. Not to be moved to another thread.
class SigpipeBlock {
 public:
  SigpipeBlock();
  ~SigpipeBlock();
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace belay::net
