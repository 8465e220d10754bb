#pragma once

#include <memory>
#include <vector>

#include "exporters/route.h"

namespace belay::exporters {

/// The two routes of a notice: all go to `tell`, those that someone must see now to `page` as well.
/// Snapshots go to all.
class Routes : public Sink {
 public:
  Routes(std::vector<std::unique_ptr<Route>> tell, std::vector<std::unique_ptr<Route>> page);
  /// All of them end together.
  ~Routes() override;
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  /// Tells others from now on. On the engine's thread; `other` has then whom this one told.
  void swap(Routes& other);

  void publish(const rules::Snapshot& snapshot) override;
  void notify(const rules::Notice& notice) override;
  void begin_to_end();

 private:
  std::vector<std::unique_ptr<Route>> tell_;
  std::vector<std::unique_ptr<Route>> page_;
};

}  // namespace belay::exporters
