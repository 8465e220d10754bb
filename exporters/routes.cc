#include "exporters/routes.h"

#include <utility>

namespace belay::exporters {

Routes::Routes(std::vector<std::unique_ptr<Route>> tell, std::vector<std::unique_ptr<Route>> page)
    : tell_(std::move(tell)), page_(std::move(page)) {}

Routes::~Routes() { begin_to_end(); }

void Routes::swap(Routes& other) {
  tell_.swap(other.tell_);
  page_.swap(other.page_);
}

void Routes::publish(const rules::Snapshot& snapshot) {
  for (const auto& sink : tell_) sink->publish(snapshot);
  for (const auto& sink : page_) sink->publish(snapshot);
}

void Routes::notify(const rules::Notice& notice) {
  if (notice.page) {
    for (const auto& sink : page_) sink->notify(notice);
  }
  for (const auto& sink : tell_) sink->notify(notice);
}

void Routes::begin_to_end() {
  for (const auto& sink : tell_) sink->begin_to_end();
  for (const auto& sink : page_) sink->begin_to_end();
}

}  // namespace belay::exporters
