#include "monitor/commands/command_line.h"

int main(int argc, char** argv) { return belay::monitor::run_command_line(argc, argv); }
