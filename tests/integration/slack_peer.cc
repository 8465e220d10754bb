#include "tests/integration/slack_peer.h"

#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>

#include "base/check.h"
#include "tests/support/eventually.h"

namespace belay::test {

struct SlackPeer::Server {
  std::mutex mutex;
  std::string bodies;
  httplib::Server http;
  int port = 0;
  std::thread thread;
};

SlackPeer::SlackPeer() : server_(std::make_unique<Server>()) {
  Server& server = *server_;
  server.http.Post("/hook", [&](const httplib::Request& request, httplib::Response& response) {
    const std::scoped_lock lock(server.mutex);
    server.bodies += request.body + "\n";
    response.set_content("ok", "text/html");
  });
  server.port = server.http.bind_to_any_port("127.0.0.1");
  server.thread = std::thread([&] { server.http.listen_after_bind(); });
  BELAY_CHECK(eventually([&] { return server.http.is_running(); }), "the webhook listens");
}

SlackPeer::~SlackPeer() {
  server_->http.stop();
  server_->thread.join();
}

std::string SlackPeer::url() const {
  return fmt::format("http://127.0.0.1:{}/hook", server_->port);
}

std::string SlackPeer::bodies() const {
  const std::scoped_lock lock(server_->mutex);
  return server_->bodies;
}

}  // namespace belay::test
