#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rules/language/rule.h"

namespace belay::rules {

/// [A-Za-z_][A-Za-z0-9_.-]*
bool is_identifier(std::string_view text);

/// A word of the language, "p95" among them: as a name it has to be quoted.
bool is_keyword(std::string_view word);

/// "p95" -> 0.95; nothing unless it has the shape of a quantile. The range is not checked.
std::optional<double> quantile_shape(std::string_view word);

/// The nearest of `candidates`, whatever the case of `word`; empty if none is near.
std::string suggest(std::string_view word, std::span<const std::string_view> candidates);

/// In quotes, as the lexer reads it back.
std::string quote(std::string_view text);

/// Bare if it may stand so, else quoted.
std::string name_text(std::string_view name);

std::string_view word_of(LabelName name);
std::optional<LabelName> label_name(std::string_view word);
std::span<const std::string_view> label_names();

std::string_view word_of(GaugeMeasure::Kind kind);
std::optional<GaugeMeasure::Kind> queue_gauge(std::string_view word);

std::string_view word_of(AggregateMeasure::Kind kind);
std::string_view word_of(Floor floor);
std::optional<Floor> floor_unit(std::string_view word);

}  // namespace belay::rules
