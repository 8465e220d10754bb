#include "monitor/platform/platforms.h"

namespace belay::monitor {

void Platforms::add_rollback(std::string service, std::unique_ptr<Platform> platform) {
  rollbacks_[std::move(service)] = std::move(platform);
}

void Platforms::add_flag(std::string service, std::string flag,
                         std::unique_ptr<Platform> platform) {
  flags_[{std::move(service), std::move(flag)}] = std::move(platform);
}

void Platforms::add_command(std::string service, std::string command,
                            std::unique_ptr<Platform> platform) {
  commands_[{std::move(service), std::move(command)}] = std::move(platform);
}

Platform* Platforms::find(const rules::Order& order) const {
  const auto named = [&order](const Named& all, const std::string& name) -> Platform* {
    auto found = all.find({order.service, name});
    if (found == all.end()) found = all.find({std::string{}, name});
    return found == all.end() ? nullptr : found->second.get();
  };
  if (const auto* flag = std::get_if<rules::ResetFlag>(&order.action)) {
    return named(flags_, flag->flag);
  }
  if (const auto* run = std::get_if<rules::RunCommand>(&order.action)) {
    return named(commands_, run->command);
  }
  return of_service(order.service);
}

Platform* Platforms::of_service(const std::string& service) const {
  const auto found = rollbacks_.find(service);
  return found == rollbacks_.end() ? nullptr : found->second.get();
}

}  // namespace belay::monitor
