// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace tcpopt {

namespace {

// "%*" in the pattern: the priority that sd-daemon(3) wants before a line.
class PriorityFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    switch (message.level) {
      case spdlog::level::critical:
        return append("<2>", out);
      case spdlog::level::err:
        return append("<3>", out);
      case spdlog::level::warn:
        return append("<4>", out);
      case spdlog::level::info:
        return append("<6>", out);
      default:
        return append("<7>", out);
    }
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }

 private:
  static void append(std::string_view text, spdlog::memory_buf_t& out) {
    out.append(text.data(), text.data() + text.size());
  }
};

// "%&" in the pattern: the message without anything that could end its line.
class LineFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    const auto line = printable({message.payload.data(), message.payload.size()});
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LineFlag>();
  }
};

int log_libbpf(enum libbpf_print_level /*level*/, const char* format, va_list arguments) {
  if (!spdlog::should_log(spdlog::level::debug)) {
    return 0;
  }
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  while (!text.empty() && text.back() == '\n') {
    text.remove_suffix(1);
  }
  spdlog::debug("{}", text);
  return length;
}

}  // namespace

Status start_logging(const std::string& level) {
  libbpf_set_print(log_libbpf);
  const auto parsed = spdlog::level::from_str(level);
  if (parsed == spdlog::level::off && level != "off") {
    return fail(fmt::format("'{}' is not a log level", level),
                "use trace, debug, info, warning, error, critical or off");
  }
  try {
    auto logger = std::make_shared<spdlog::logger>(
        "tcpopt", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PriorityFlag>('*').add_flag<LineFlag>('&').set_pattern(
        std::getenv("JOURNAL_STREAM") != nullptr ? "%*%&" : "%l: %&");
    logger->set_formatter(std::move(formatter));
    logger->set_level(parsed);
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return fail(fmt::format("log: {}", error.what()));
  }
  return {};
}

}  // namespace tcpopt
