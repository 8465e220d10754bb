#pragma once

#include <cstdint>
#include <string_view>

#include "monitor/parse/document_reader.h"
#include "monitor/parse/step_track.h"
#include "monitor/parse/structure_index.h"

namespace belay::monitor {

/// Reads plain Cloudflare traces several times as fast as DocumentReader: it looks at the members
/// that matter, leaps over the others, and expects what the trace before had. It knows less: what
/// it is not sure to read as DocumentReader does, it leaves to it (escapes in a text, numbers with
/// a fraction, other dialects and messages of the tail). Of what it leaps over it checks what
/// DocumentReader checks, that it is text and its brackets are closed, and not more. A good
/// document has the same Fields from both; a broken one may pass here and not there.
class LazyTrace {
 public:
  explicit LazyTrace(StructureIndex::Method method = StructureIndex::Method::best)
      : index_(method) {}

  /// True: `fields` is filled. False: use other, fresh Fields. `document` has kDocumentPadding
  /// readable bytes behind it. After many documents in a row that were not for it, it looks only
  /// at some until one is. What it read before makes it quicker or slower, and nothing else.
  bool read(std::string_view document, Fields& fields);

  /// What comes next in an object: its end, or a member, by what is done with it.
  enum class Next : std::uint8_t {
    end,
    leave,  ///< Only DocumentReader knows.
    skip,
    mark_trace,
    event,
    cpu_time,
    outcome,
    wall_time,
    script_name,
    exceptions,
    script_version,
    event_timestamp,
    request,
    response,
    cron,
    queue,
    mail,
    rpc,
    web_socket,
    consumed,
    scheduled,
    url,
    method,
    headers,
    status,
    id,
  };
  /// Of the objects that are walked through.
  struct Tracks {
    StepTrack<Next, 24> trace;
    StepTrack<Next, 8> event;
    StepTrack<Next, 8> request;
    StepTrack<Next, 4> response;
    StepTrack<Next, 4> version;
  };

 private:
  bool is_worth_a_look();

  StructureIndex index_;
  Tracks tracks_;
  std::uint32_t missed_ = 0;  // In a row.
};

}  // namespace belay::monitor
