#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace belay::monitor {

/// What the command line asked for: filled by the verb that was named. Returns the exit code.
using Chosen = std::function<int()>;

/// Each verb adds itself, its options and its help to the command line.
void add_demo(CLI::App& app, Chosen& chosen);
void add_run(CLI::App& app, Chosen& chosen);
void add_gate(CLI::App& app, Chosen& chosen);
void add_doctor(CLI::App& app, Chosen& chosen);
void add_rollout(CLI::App& app, Chosen& chosen);
void add_train(CLI::App& app, Chosen& chosen);
void add_report(CLI::App& app, Chosen& chosen);
void add_history(CLI::App& app, Chosen& chosen);
void add_disarm(CLI::App& app, Chosen& chosen);
void add_silence(CLI::App& app, Chosen& chosen);
void add_replay(CLI::App& app, Chosen& chosen);
void add_check(CLI::App& app, Chosen& chosen);
void add_test(CLI::App& app, Chosen& chosen);
void add_explain(CLI::App& app, Chosen& chosen);

}  // namespace belay::monitor
