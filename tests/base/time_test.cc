#include "base/time.h"

#include <gtest/gtest.h>

namespace belay {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(DurationText, RefusesEverythingElse) {
  for (const char* text : {"", "5", "s", "-5s", "5 s", "5x", "1e3s", "nan s", "inf", "infs", "nans",
                           "99999999999d", "5s ", "5mm"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(DurationText, WritesWhatItReads) {
  for (const Duration duration : {Duration{0s}, Duration{1ms}, Duration{90s}, Duration{24h},
                                  Duration{3661001ms}, Duration{1us}, Duration{1ns}}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(-90s), "-1m30s");
  EXPECT_EQ(format_duration(Duration::min()).front(), '-');
}

TEST(InstantText, IsRfc3339InUtc) {
  EXPECT_EQ(format_utc(from_unix_ms(1795182320647)), "2026-11-20T13:45:20.647Z");
  EXPECT_EQ(format_utc(from_unix_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(InstantText, ReadsFractionsAndOffsets) {
  EXPECT_EQ(parse_rfc3339("2026-11-20T13:45:20.252022967Z"),
            Instant{std::chrono::nanoseconds{1795182320252022967}});
  EXPECT_EQ(parse_rfc3339("2026-11-20T15:45:20+02:00"), from_unix_ms(1795182320000));
  EXPECT_EQ(parse_rfc3339("2026-11-20T05:15:20-08:30"), from_unix_ms(1795182320000));
}

TEST(InstantText, RefusesWhatIsNoMoment) {
  for (const char* text :
       {"", "2026-02-30T00:00:00Z", "2026-11-20", "2026-11-20T13:45:20", "2026-11-20T24:00:00Z",
        "2026-11-20T13:45:20.Z", "9999-01-01T00:00:00Z", "2026-11-20T13:45:20.0000000001Z",
        "2026-11-20T13:45:20Zx", "2026-11-20T13:45:20+25:00"}) {
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace belay
