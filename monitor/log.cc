#include "monitor/log.h"

#include <memory>

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/sanitize.h"

namespace belay::monitor {
namespace {

constexpr std::size_t kLinesWaitingMax = 8192;
constexpr std::size_t kLineBytesMax = 4000;

/// The message as it may be shown: spdlog itself passes escapes through.
class SanitizedMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        sanitize({message.payload.data(), message.payload.size()}, kLineBytesMax);
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<SanitizedMessage>();
  }
};

}  // namespace

Log::Log(Level level) {
  spdlog::init_thread_pool(kLinesWaitingMax, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<SanitizedMessage>('*').set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %*");
  sink->set_formatter(std::move(formatter));
  auto logger =
      std::make_shared<spdlog::async_logger>("belay", std::move(sink), spdlog::thread_pool(),
                                             spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(level == Level::debug    ? spdlog::level::debug
                    : level == Level::normal ? spdlog::level::info
                                             : spdlog::level::err);
  spdlog::set_default_logger(std::move(logger));
}

Log::~Log() {
  // The logger outlives the thread that writes with it. Else whichever lets go of it last destroys
  // it, ordered by code of spdlog's own library alone, which ThreadSanitizer cannot see.
  const std::shared_ptr<spdlog::logger> logger = spdlog::default_logger();
  spdlog::shutdown();
}

}  // namespace belay::monitor
