#include "monitor/journal_lookup.h"

#include <algorithm>
#include <utility>

namespace belay::monitor {
namespace {

Result<JournalLookup::Found> look(Journal& journal, const JournalLookup::Question& question) {
  if (const auto* one = std::get_if<JournalLookup::OfRollout>(&question)) {
    Result<Journal::OfRollout> found = journal.of_rollout(one->rollout, JournalLookup::kEntriesMax);
    if (!found) return found.error();
    return JournalLookup::Found{std::move(found).value()};
  }
  Journal::LookBack back = std::get<Journal::LookBack>(question);
  back.entries_max = std::min(back.entries_max, JournalLookup::kEntriesMax);
  Result<Journal::Past> past = journal.look_back(back);
  if (!past) return past.error();
  return JournalLookup::Found{std::move(past).value()};
}

}  // namespace

JournalLookup::Ticket JournalLookup::ask(Question question) {
  const auto answered = answer_.get();
  // Who has gone away leaves a question that is answered all the same: one at a time.
  const bool is_open = numbers_ != (answered ? answered->number : 0);
  if (is_open || !standing_.expired()) return nullptr;
  ++numbers_;
  asked_.set(std::make_shared<const Asked>(Asked{numbers_, std::move(question)}));
  if (wake_engine_) wake_engine_();
  auto ticket = std::make_shared<const std::uint64_t>(numbers_);
  standing_ = ticket;
  return ticket;
}

std::shared_ptr<const JournalLookup::Answer> JournalLookup::answer(const Ticket& ticket) const {
  std::shared_ptr<const Answer> newest = answer_.get();
  return newest && newest->number == *ticket ? newest : nullptr;
}

void JournalLookup::serve(Journal* journal) {
  const auto asked = asked_.get();
  if (!asked || asked->number == served_) return;
  served_ = asked->number;
  Result<Found> found = journal == nullptr ? Error{Error::Kind::unavailable, "there is no journal"}
                                           : look(*journal, asked->question);
  answer_.set(std::make_shared<const Answer>(Answer{asked->number, std::move(found)}));
  if (wake_) wake_();
}

}  // namespace belay::monitor
