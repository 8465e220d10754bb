// The process that the tests of acting kill.
//   acting_child journal STATE FIRST   appends batches of three for ever, says each on stdout
#include <cstdlib>
#include <cstring>
#include <string>

#include <unistd.h>

#include "monitor/journal.h"
#include "tests/monitor/acting/records.h"

namespace {

using belay::from_unix_ms;

int append_for_ever(const char* state, int first) {
  auto journal = belay::monitor::Journal::open(state);
  if (!journal.ok()) return 70;
  for (int number = first;; number += 3) {
    const auto at = from_unix_ms(1'795'000'000'000 + number);
    const auto status = (*journal)->append({belay::test::fired_entry(number, at),
                                            belay::test::fired_entry(number + 1, at),
                                            belay::test::fired_entry(number + 2, at)});
    if (!status.ok()) return 71;
    const std::string line = std::to_string(number) + "\n";
    if (::write(1, line.data(), line.size()) < 0) return 72;
  }
}

}  // namespace

int main(int count, char** words) {
  if (count == 4 && std::strcmp(words[1], "journal") == 0) {
    return append_for_ever(words[2], std::atoi(words[3]));
  }
  return 64;
}
