#include "monitor/parse/log_parser.h"

#include <array>
#include <utility>

#include "base/sanitize.h"
#include "monitor/parse/document_reader.h"
#include "monitor/parse/framer.h"
#include "monitor/parse/interpreter.h"
#include "monitor/parse/lazy_trace.h"
#include "monitor/parse/rejection.h"

namespace belay::monitor {

std::optional<LogFormat> log_format_of(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, LogFormat>, 5> kNames = {{
      {"auto", LogFormat::automatic},
      {"cloudflare", LogFormat::cloudflare_trace},
      {"logpush", LogFormat::cloudflare_logpush},
      {"fly", LogFormat::fly},
      {"generic", LogFormat::generic},
  }};
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

class LogParser::State final : public DocumentSink {
 public:
  explicit State(const LogParserOptions& options)
      : interner_(options.source),
        is_latency_named_(!options.latency_field.empty()),
        reader_(options.latency_field),
        interpreter_(options, interner_),
        framer_(*this, options.document_bytes_max) {}

  std::optional<Rejection> take(std::string_view document) override {
    // A named latency lies in the logs, which the lazy one leaps over.
    if (!is_latency_named_) {
      Fields fields;
      if (lazy_.read(document, fields)) return interpreter_.interpret(fields, now_, *events_);
    }
    Fields fields;
    if (const auto rejection = reader_.read(document, fields)) return rejection;
    return interpreter_.interpret(fields, now_, *events_);
  }

  void count(std::string_view document, std::optional<Rejection> rejection) override {
    ++documents_;
    if (!rejection) {
      ++used_;
      return;
    }
    // Only now: the framer asks whether one that is not JSON yet goes on.
    const std::size_t begin = document.find_first_not_of(" \t\r\n");
    const bool is_object = begin != std::string_view::npos && document[begin] == '{';
    const bool is_broken = *rejection == Rejection::not_json && is_object;
    if (is_broken) rejection = Rejection::broken;
    const auto [reason, is_first] = rejected_.try_emplace(std::string(name_of(*rejection)), 0);
    ++reason->second;
    if (is_first) first_rejected_.emplace(reason->first, sanitize(document.substr(0, 1024)));
  }

  /// Lets the framer work; what it finds meanwhile goes to `events`.
  template <typename Work>
  void with(Instant now, std::vector<rules::Event>& events, Work&& work) {
    now_ = now;
    events_ = &events;
    work(framer_);
    events_ = nullptr;
  }

  Interner interner_;
  const bool is_latency_named_;
  LazyTrace lazy_;
  DocumentReader reader_;
  Interpreter interpreter_;
  Framer framer_;
  Instant now_{};
  std::vector<rules::Event>* events_ = nullptr;
  std::uint64_t documents_ = 0;
  std::uint64_t used_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<std::string, std::uint64_t> rejected_;
  std::map<std::string, std::string> first_rejected_;
};

LogParser::LogParser(LogParserOptions options) : state_(std::make_unique<State>(options)) {}
LogParser::~LogParser() = default;
LogParser::LogParser(LogParser&&) noexcept = default;

void LogParser::feed(std::string_view bytes, Instant now, std::vector<rules::Event>& events) {
  state_->bytes_ += bytes.size();
  state_->with(now, events, [&](Framer& framer) { framer.feed(bytes); });
}

void LogParser::finish(Instant now, std::vector<rules::Event>& events) {
  state_->with(now, events, [](Framer& framer) { framer.finish(); });
}

void LogParser::reset() { state_->framer_.reset(); }

Interner& LogParser::interner() { return state_->interner_; }
std::uint64_t LogParser::documents() const { return state_->documents_; }
std::uint64_t LogParser::used() const { return state_->used_; }
std::uint64_t LogParser::bytes() const { return state_->bytes_; }
const std::map<std::string, std::uint64_t>& LogParser::rejected() const {
  return state_->rejected_;
}
std::uint64_t LogParser::unreadable() const {
  std::uint64_t unreadable = 0;
  for (const auto& [reason, count] : rejected())
    if (is_lost_evidence(reason)) unreadable += count;
  return unreadable;
}
const std::map<std::string, std::string>& LogParser::first_rejected() const {
  return state_->first_rejected_;
}

}  // namespace belay::monitor
