#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "rules/language/rule.h"

namespace belay::rules {

/// A number with the unit that touches it, "5%", "250ms", "10/s", "1m30s", in its base unit.
/// Without a unit it is a count. Points are a word of their own and not read here.
struct Measured {
  Quantity quantity;
  std::optional<Duration> duration;  ///< Set if it is one, exactly.
};
enum class NumberFault : std::uint8_t {
  not_a_number,  ///< "1e5", "5."
  unknown_unit,  ///< "5sec"
  too_precise,   ///< More than 15 significant digits, which a double does not hold.
  too_large,
};
struct NumberRead {
  std::optional<Measured> measured;
  NumberFault fault{};
};
/// `text` starts with a digit. Plain decimals only.
NumberRead read_number(std::string_view text);

/// The plain decimal number, or nothing. At most 15 significant digits.
std::optional<double> read_decimal(std::string_view text);

/// The same in hundredths, rounded once: "99.9" -> 0.999.
std::optional<double> read_hundredths(std::string_view text);

/// The shortest plain decimal that reads back as `value`.
std::string decimal_text(double value);

/// As a person writes it, reading back as the same value: "5%", "0.5 points", "250ms", "10/s".
std::string quantity_text(const Quantity& quantity);

/// `share` as a number of percent, without the sign: 0.05 -> "5".
std::string percent_text(double share);

/// "a duration", "a share": for messages.
std::string_view described(Dimension dimension);

/// What turns a value reported under `name` into the base unit of `dimension`, by the unit at the
/// name's end: "d1_query_ms" as a duration is in milliseconds. Nothing if the name says no such
/// unit.
std::optional<double> unit_in_name(std::string_view name, Dimension dimension);

}  // namespace belay::rules
