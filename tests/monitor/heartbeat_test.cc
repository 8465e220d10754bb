#include "monitor/heartbeat.h"

#include <atomic>

#include <gtest/gtest.h>

#include "tests/support/eventually.h"
#include "tests/support/scripted_peer.h"

namespace belay::monitor {
namespace {

using namespace std::chrono_literals;
using test::eventually;

TEST(HeartbeatTest, BeatsWhileBelayWorksAndIsSilentWhenItDoesNot) {
  test::ScriptedPeer listener([](test::PeerConnection& connection) {
    if (connection.read_until("\r\n\r\n")) connection.send(test::http_response(404, ""));
  });
  std::atomic<bool> is_alive = true;
  std::atomic<int> asked = 0;
  const Heartbeat heartbeat(Secret{listener.url("/secret")}, 1ms, [&] {
    ++asked;
    return is_alive.load();
  });
  EXPECT_TRUE(eventually([&] { return listener.connections() >= 3; }));
  is_alive = false;
  // Asked twice more, it has heard of it, and the beat that was under way is over.
  const int asked_before = asked;
  ASSERT_TRUE(eventually([&] { return asked >= asked_before + 2; }));
  const int beats = listener.connections();
  ASSERT_TRUE(eventually([&] { return asked >= asked_before + 20; }));
  EXPECT_EQ(listener.connections(), beats);
}

}  // namespace
}  // namespace belay::monitor
