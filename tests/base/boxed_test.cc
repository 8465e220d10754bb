#include "base/boxed.h"

#include <string>
#include <utility>
#include <variant>

#include <gtest/gtest.h>

namespace belay {
namespace {

struct Large {
  std::string text;
};

TEST(Boxed, ACopyIsAValueOfItsOwn) {
  const Boxed<Large> one(Large{"one"});
  Boxed<Large> other = one;
  other->text = "other";
  EXPECT_EQ(one->text, "one");
  other = one;
  (*other).text += "!";
  EXPECT_EQ(one->text, "one");
  EXPECT_EQ(other->text, "one!");
}

TEST(Boxed, AMoveTakesTheValueAlong) {
  Boxed<Large> one(Large{"one"});
  const Large* where = &*one;
  const Boxed<Large> other = std::move(one);
  EXPECT_EQ(&*other, where);
}

TEST(Boxed, StandsForItsValueInAVariant) {
  std::variant<int, Boxed<Large>> held = Large{"held"};
  const auto text_of = [](const auto& one) {
    if constexpr (requires { unboxed(one).text; })
      return unboxed(one).text;
    else
      return std::to_string(unboxed(one));
  };
  EXPECT_EQ(std::visit(text_of, held), "held");
  held = 7;
  EXPECT_EQ(std::visit(text_of, held), "7");
}

}  // namespace
}  // namespace belay
