#include <cstdlib>
#include <map>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "monitor/commands/verbs.h"
#include "monitor/demo/demo_service.h"
#include "monitor/demo/demo_story.h"
#include "monitor/demo/demo_world.h"
#include "net/http_listener.h"

namespace belay::monitor {
namespace {

struct SwitchArguments {
  std::string url;
  std::string to;
  bool look = false;
};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What is to be live is in the environment of the command that carries it out.
std::map<std::string, int> split_of(const SwitchArguments& arguments) {
  if (!arguments.to.empty()) return {{arguments.to, 100}};
  const std::string target = environment("BELAY_TARGET");
  if (environment("BELAY_ACTION") != "move") return {{target, 100}};
  const int percent = std::atoi(environment("BELAY_PERCENT").c_str());
  if (percent >= 100) return {{target, 100}};
  return {{target, percent}, {environment("BELAY_BASELINE"), 100 - percent}};
}

/// The demo's own programs: not for people, so the help does not show them.
void add_demo_service(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("demo-service", "")->group("");
  auto log = std::make_shared<std::string>();
  verb->add_option("--log", *log)->required();
  verb->callback([log, &chosen] { chosen = [log] { return serve_demo(*log); }; });
}

void add_demo_switch(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand("demo-switch", "")->group("");
  auto arguments = std::make_shared<SwitchArguments>();
  verb->add_option("--url", arguments->url)->required();
  verb->add_option("--to", arguments->to);
  verb->add_flag("--look", arguments->look);
  verb->callback([arguments, &chosen] {
    chosen = [arguments] {
      return switch_demo(arguments->url, split_of(*arguments), arguments->look);
    };
  });
}

}  // namespace

void add_demo(CLI::App& app, Chosen& chosen) {
  CLI::App* verb = app.add_subcommand(
      "demo", "The whole story on this machine alone: a bad version, found and rolled back");
  auto options = std::make_shared<DemoOptions>();
  verb->add_flag("--stay", options->stay, "Keep everything serving after the story");
  verb->add_option("--metrics", options->metrics, "Where Belay's metrics are served")
      ->type_name("ADDRESS")
      ->capture_default_str()
      ->check([](const std::string& text) {
        const bool is_fine = text == "off" || net::ListenAddress::parse(text).has_value();
        return is_fine ? std::string() : "IP:PORT should stand here, or off";
      });
  verb->callback([options, &chosen] { chosen = [options] { return tell_demo(*options); }; });
  add_demo_service(app, chosen);
  add_demo_switch(app, chosen);
}

}  // namespace belay::monitor
