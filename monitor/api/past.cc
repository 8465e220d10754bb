#include "monitor/api/past.h"

#include <chrono>
#include <memory>
#include <utility>

#include "base/sanitize.h"
#include "net/deadline.h"

namespace belay::monitor {
namespace {

constexpr std::chrono::seconds kAnsweredWithin{5};

/// One request, from its first question to its answer.
class Look {
 public:
  Look(const Call& call, JournalLookup::Question first, AfterLook next)
      : past_(*call.context.parts.past),
        question_(std::move(first)),
        next_(std::move(next)),
        late_(call.refuse({Problem::Kind::not_ready, "the engine does not come round"})),
        refuse_([request_id = call.request_id](const Error& error) {
          return answer_of(
              {Problem::Kind::not_ready, "the journal cannot be read: " + sanitize(error.message)},
              request_id);
        }) {}

  std::optional<net::Outgoing> poll() {
    if (ticket_ == nullptr) ticket_ = past_.ask(question_);
    const auto answer = ticket_ != nullptr ? past_.answer(ticket_) : nullptr;
    if (answer == nullptr) {
      return deadline_.passed() ? std::optional(std::move(late_)) : std::nullopt;
    }
    ticket_.reset();
    if (!answer->found) return refuse_(answer->found.error());
    auto said = next_(*answer->found);
    if (auto* whole = std::get_if<net::Outgoing>(&said)) return std::move(*whole);
    question_ = std::get<JournalLookup::Question>(std::move(said));
    ticket_ = past_.ask(question_);
    return std::nullopt;
  }

 private:
  JournalLookup& past_;
  JournalLookup::Question question_;
  AfterLook next_;
  net::Outgoing late_;
  std::function<net::Outgoing(const Error&)> refuse_;
  JournalLookup::Ticket ticket_;
  const net::Deadline deadline_{kAnsweredWithin};
};

}  // namespace

net::Outgoing look_into_past(const Call& call, JournalLookup::Question first, AfterLook next) {
  if (call.context.parts.past == nullptr) {
    return call.refuse({Problem::Kind::not_ready, "there is no journal to read"});
  }
  std::shared_ptr<void> place = call.context.waits.take();
  if (place == nullptr) {
    return call.refuse({Problem::Kind::too_many_clients, "as many as may wait already do"});
  }
  auto look = std::make_shared<Look>(call, std::move(first), std::move(next));
  net::Outgoing answer;
  answer.later = [look, place] { return look->poll(); };
  return answer;
}

}  // namespace belay::monitor
