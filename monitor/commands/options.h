#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "monitor/commands/terminal.h"
#include "rules/language/located.h"
#include "rules/language/rule.h"

namespace CLI {
class App;
}

/// Options that several verbs share.
namespace belay::monitor {

/// `--output text|json|jsonl`
void add_output_option(CLI::App& verb, OutputFormat& output);
/// `-c, --config FILE`, belay.yaml unless given.
void add_config_option(CLI::App& verb, std::string& file);
/// Refuses what base/time.h cannot read.
void add_duration_option(CLI::App& verb, const std::string& name, std::string& text,
                         const std::string& help);

/// Prints what is wrong on standard error, as rules::render shows it.
void show_faults(const std::vector<rules::Located>& faults);

/// For an option whose text is sent on as it is, a version say: "" or why it cannot be.
std::string check_utf8(const std::string& text);

/// Who types here, as the system knows him.
std::string user_name();
/// What an interrupted gate gives as the reason of its rollback.
inline constexpr const char* kInterruptedReason = "the gate was interrupted";

/// Where relative paths begin. "." if that is not known (it was removed): what is looked for there
/// is then not found, and that is what is told.
std::filesystem::path working_directory();

/// The rules of packs and files, `references` as in belay.yaml but relative to where we are.
/// Nothing if there is an error: it has been shown.
std::optional<std::vector<rules::Rule>> load_rules(const std::vector<std::string>& references);

}  // namespace belay::monitor
