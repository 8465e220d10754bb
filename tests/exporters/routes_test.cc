#include "exporters/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace belay::exporters {
namespace {

struct Heard {
  int notices = 0;
  int snapshots = 0;
};

class Listening : public Route {
 public:
  explicit Listening(Heard& heard) : heard_(heard) {}
  void publish(const rules::Snapshot& /*snapshot*/) override { ++heard_.snapshots; }
  void notify(const rules::Notice& /*notice*/) override { ++heard_.notices; }
  void begin_to_end() override {}

 private:
  Heard& heard_;
};

std::vector<std::unique_ptr<Route>> listeners(std::vector<Heard*> heard) {
  std::vector<std::unique_ptr<Route>> sinks;
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

/// Says when it begins to end, and when it has.
class Ending : public Route {
 public:
  Ending(std::string name, std::vector<std::string>& said) : name_(std::move(name)), said_(said) {}
  ~Ending() override { said_.push_back(name_ + " is gone"); }
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  void publish(const rules::Snapshot& /*snapshot*/) override {}
  void notify(const rules::Notice& /*notice*/) override {}
  void begin_to_end() override { said_.push_back(name_ + " ends"); }

 private:
  const std::string name_;
  std::vector<std::string>& said_;
};

TEST(Routes, AllBeginToEndBeforeAnyIsWaitedFor) {
  std::vector<std::string> said;
  {
    std::vector<std::unique_ptr<Route>> tell;
    tell.push_back(std::make_unique<Ending>("slack", said));
    std::vector<std::unique_ptr<Route>> page;
    page.push_back(std::make_unique<Ending>("page", said));
    const Routes routes(std::move(tell), std::move(page));
  }
  ASSERT_EQ(said.size(), 4U);
  EXPECT_THAT(std::vector(said.begin(), said.begin() + 2),
              testing::UnorderedElementsAre("slack ends", "page ends"));
}

}  // namespace
}  // namespace belay::exporters
