#pragma once

#include <string>
#include <vector>

#include "exporters/ingest_posts.h"
#include "monitor/sources/push_source.h"
#include "net/digest.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// What the ingest listener answers: finds the source that a post is for.
///   POST /events                  the only source, or the one without a service
///   POST /events/SERVICE          the first source of the service
///   POST /events/SERVICE/NAME     that source
/// With tokens every request needs `Authorization: Bearer` and one of them, compared in constant
/// time.
class Ingest {
 public:
  struct Target {
    std::string service;  ///< Empty: its events name their service.
    std::string name;
    PushSource* source = nullptr;  ///< Outlives this.
  };
  /// `posts` outlives this.
  Ingest(std::vector<net::HashedToken> tokens, std::vector<Target> targets,
         exporters::IngestPosts& posts);

  net::Outgoing answer(const net::Incoming& request) const;

 private:
  struct Door {
    Target target;
    exporters::PostCounts posts;
  };
  [[nodiscard]] const Door* door_of(std::string_view path) const;
  std::vector<net::HashedToken> tokens_;
  std::vector<Door> doors_;
};

}  // namespace belay::monitor
