#pragma once

namespace belay::net {

/// While it lives, looking up the name "hangs.test" does not come back, in any library of this
/// program; before and after that it is 127.0.0.1. It replaces getaddrinfo for the whole
/// executable, which hands other names on.
class HangingLookup {
 public:
  HangingLookup();
  /// Lets every lookup that hangs fail, and waits until it has.
  ~HangingLookup();
  HangingLookup(const HangingLookup&) = delete;
  HangingLookup& operator=(const HangingLookup&) = delete;

  static constexpr const char* kName = "hangs.test";
};

}  // namespace belay::net
