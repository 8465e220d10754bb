#pragma once

#include <memory>
#include <string>

namespace belay::test {

/// An incoming webhook of Slack on loopback that takes everything.
class SlackPeer {
 public:
  SlackPeer();
  ~SlackPeer();
  SlackPeer(const SlackPeer&) = delete;
  SlackPeer& operator=(const SlackPeer&) = delete;

  [[nodiscard]] std::string url() const;
  /// Everything that was posted so far.
  [[nodiscard]] std::string bodies() const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

}  // namespace belay::test
