#include "exporters/routes.h"

#include <gtest/gtest.h>

namespace belay::exporters {
namespace {

struct Heard {
  int notices = 0;
  int snapshots = 0;
};

class Listening : public Sink {
 public:
  explicit Listening(Heard& heard) : heard_(heard) {}
  void publish(const rules::Snapshot& /*snapshot*/) override { ++heard_.snapshots; }
  void notify(const rules::Notice& /*notice*/) override { ++heard_.notices; }

 private:
  Heard& heard_;
};

std::vector<std::unique_ptr<Sink>> listeners(std::vector<Heard*> heard) {
  std::vector<std::unique_ptr<Sink>> sinks;
  for (Heard* each : heard) sinks.push_back(std::make_unique<Listening>(*each));
  return sinks;
}

TEST(Routes, TellAllAndPageOnlyWhatMustBeSeenNow) {
  Heard first;
  Heard second;
  Heard pager;
  Routes routes(listeners({&first, &second}), listeners({&pager}));
  routes.notify({.page = false});
  routes.notify({.page = true});
  routes.publish({});
  EXPECT_EQ(first.notices, 2);
  EXPECT_EQ(second.notices, 2);
  EXPECT_EQ(pager.notices, 1);
  EXPECT_EQ(first.snapshots, 1);
  EXPECT_EQ(pager.snapshots, 1);
}

}  // namespace
}  // namespace belay::exporters
