#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "monitor/sources/push_source.h"
#include "net/http_listener.h"

namespace belay::monitor {

/// What the ingest listener answers: finds the source that a post is for.
///   POST /events                  the only source, or the one without a service
///   POST /events/SERVICE          the first source of the service
///   POST /events/SERVICE/NAME     that source
/// With a token every request needs `Authorization: Bearer TOKEN`; it is compared in constant time.
class Ingest {
 public:
  struct Target {
    std::string service;  ///< Empty: its events name their service.
    std::string name;
    PushSource* source = nullptr;  ///< Outlives this.
  };
  Ingest(Secret token, std::vector<Target> targets);

  net::Outgoing answer(const net::Incoming& request) const;

 private:
  [[nodiscard]] PushSource* target_of(std::string_view path) const;
  Secret token_;
  std::vector<Target> targets_;
};

}  // namespace belay::monitor
