#pragma once

#include <cstdint>
#include <string_view>

namespace belay::monitor {

/// Why a document of a log did not become evidence.
enum class Rejection : std::uint8_t {
  not_json,      ///< Text, or JSON that is no object.
  broken,        ///< Begins as an object does, and is none.
  not_utf8,      ///< Bytes that are no text.
  too_long,      ///< More than LogParserOptions::document_bytes_max; its bytes were skipped.
  unfinished,    ///< Another document began, or the input ended, before it was whole.
  cut_off,       ///< The stream broke in the middle of it.
  fragment,      ///< The rest of an indented document whose beginning was not seen.
  not_an_event,  ///< Good JSON that says nothing of a call: an application's other lines.
  no_time,
  no_service,
  no_outcome,  ///< Neither status nor outcome.
  // A number that cannot be, out of range, or text where a number belongs:
  bad_time,      ///< No RFC 3339, and no milliseconds or seconds since the Unix epoch.
  bad_status,    ///< Not 100 to 999, or none of a call whose duration is told.
  bad_duration,  ///< Negative, or of more than a hundred days.
};

constexpr std::string_view name_of(Rejection rejection) {
  switch (rejection) {
    case Rejection::not_json:
      return "not_json";
    case Rejection::broken:
      return "broken";
    case Rejection::not_utf8:
      return "not_utf8";
    case Rejection::too_long:
      return "too_long";
    case Rejection::unfinished:
      return "unfinished";
    case Rejection::cut_off:
      return "cut_off";
    case Rejection::fragment:
      return "fragment";
    case Rejection::not_an_event:
      return "not_an_event";
    case Rejection::no_time:
      return "no_time";
    case Rejection::no_service:
      return "no_service";
    case Rejection::no_outcome:
      return "no_outcome";
    case Rejection::bad_time:
      return "bad_time";
    case Rejection::bad_status:
      return "bad_status";
    case Rejection::bad_duration:
      return "bad_duration";
  }
  return "not_json";
}

/// Whether what was rejected spoke of a call, or may have: text between the documents and an
/// application's other lines did not, and a fragment's document was counted or began before us.
constexpr bool is_lost_evidence(std::string_view rejection) {
  for (const Rejection other :
       {Rejection::not_json, Rejection::fragment, Rejection::not_an_event, Rejection::no_outcome})
    if (rejection == name_of(other)) return false;
  return true;
}

/// Whether so many hide what fails: one document in a hundred may be ten in a hundred of the
/// candidate's own, which has a tenth of the traffic as a rule.
constexpr bool is_too_much_lost(std::uint64_t unreadable, std::uint64_t documents) {
  return unreadable * 100 > documents;
}

}  // namespace belay::monitor
