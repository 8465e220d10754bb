#include "base/result.h"

#include <array>
#include <memory>

#include <gtest/gtest.h>

#include "base/suggest.h"

namespace belay {
namespace {

TEST(Result, HoldsAValueOrWhyThereIsNone) {
  Result<std::unique_ptr<int>> good = std::make_unique<int>(7);
  ASSERT_TRUE(good);
  EXPECT_EQ(**good, 7);
  const std::unique_ptr<int> taken = std::move(good).value();
  EXPECT_EQ(*taken, 7);

  const Result<int> bad = Error{Error::Kind::not_found, "no such flag"};
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().kind, Error::Kind::not_found);
}

TEST(Result, EndsTheProcessWhenTheWrongSideIsRead) {
  const Result<int> bad = Error{Error::Kind::failed, "x"};
  EXPECT_DEATH(static_cast<void>(bad.value()), "value of a failed Result");
  const Result<int> good = 1;
  EXPECT_DEATH(static_cast<void>(good.error()), "error of a successful Result");
}

TEST(Suggestion, FindsTheWordThatWasMeant) {
  constexpr std::array<std::string_view, 4> words = {"rollback", "pause", "alert", "rate"};
  EXPECT_EQ(nearest("rolback", words), "rollback");
  EXPECT_EQ(nearest("puase", words), "pause");
  EXPECT_EQ(nearest("raet", words), "rate");
  EXPECT_EQ(nearest("something", words), std::nullopt);
  EXPECT_EQ(nearest("", words), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'a'), words), std::nullopt);
}

}  // namespace
}  // namespace belay
