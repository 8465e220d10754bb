#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "monitor/platform/cloudflare_standing.h"
#include "monitor/platform/platform.h"
#include "tests/simulation/boot_clock.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/seeded.h"

namespace belay::simulation {

/// Thrown in place of a kill -9.
struct Killed {};

/// One Worker at its platform: what was deployed, by whom, and when. Outlives the daemon.
class Worker {
 public:
  struct Deployed {
    Instant at;
    monitor::CloudflareDeployment what;
  };

  Worker(std::string service, const std::string& version, const WorldTime& time)
      : service_(std::move(service)), time_(time) {
    deploy({{version, 100}}, "the first");
  }

  [[nodiscard]] const std::string& service() const { return service_; }
  /// It cannot be deployed any more.
  void lose(const std::string& version) { lost_.insert(version); }
  [[nodiscard]] bool has_lost(const std::string& version) const { return lost_.contains(version); }
  void find_again() { lost_.clear(); }
  void deploy(std::vector<monitor::CloudflareDeployment::Share> versions, std::string message);
  void deploy_late(std::vector<monitor::CloudflareDeployment::Share> versions, std::string message,
                   Duration after);
  /// To be called whenever time has passed.
  void catch_up();

  [[nodiscard]] const monitor::CloudflareDeployment& live() const { return all_.back().what; }
  /// Oldest first.
  [[nodiscard]] const std::vector<Deployed>& all() const { return all_; }
  /// As it was then, newest first.
  [[nodiscard]] std::vector<monitor::CloudflareDeployment> as_of(Instant then) const;

 private:
  struct Late {
    Instant at;
    std::vector<monitor::CloudflareDeployment::Share> versions;
    std::string message;
  };
  std::string service_;
  const WorldTime& time_;
  std::vector<Deployed> all_;
  std::vector<Late> late_;
  std::set<std::string> lost_;
};

/// Who watches what the platform is asked and does.
class PlatformWitness {
 public:
  virtual ~PlatformWitness() = default;
  /// What a read of the daemon was answered.
  virtual void was_read(const rules::Order& order,
                        const std::vector<monitor::CloudflareDeployment>& shown) = 0;
  /// The request is on the wire.
  virtual void is_sent(const rules::Order& order) = 0;
  /// It is done, or will be.
  virtual void is_applied(const rules::Order& order) = 0;
};

/// The platform port of one Worker, in one life of the daemon. Judges with the product's own
/// standing_of(); calls take time, in which everything else goes on.
class WorkerPort final : public monitor::Platform {
 public:
  struct World {
    const Faults& faults;
    Seeded& chance;
    const WorldTime& time;
    PlatformWitness& witness;
    std::function<void(Duration)> pass;  ///< Lets time pass, and the others act.
  };
  WorkerPort(Worker& worker, World world) : worker_(worker), world_(std::move(world)) {}

  Result<monitor::Standing> read(const rules::Order& order, std::stop_token stop) override;
  Result<std::optional<monitor::VersionFacts>> version(const std::string& id,
                                                       std::stop_token stop) override;
  Status apply(const rules::Order& order, std::stop_token stop) override;
  [[nodiscard]] Duration lag_max() const override { return std::chrono::seconds{10}; }
  [[nodiscard]] std::string by_hand(const rules::Order& /*order*/) const override {
    return "by hand";
  }

 private:
  void take_time();
  void maybe_die();

  Worker& worker_;
  World world_;
};

}  // namespace belay::simulation
