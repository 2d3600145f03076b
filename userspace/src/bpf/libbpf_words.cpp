// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/libbpf_words.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace tcpopt {

namespace {

constexpr std::size_t kMostWarnings = 64;

std::vector<std::string>& collected() {
  static std::vector<std::string> warnings;
  return warnings;
}

int collect(enum libbpf_print_level level, const char* format, va_list arguments) {
  std::array<char, 1024> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  std::string_view text(line.data());
  while (!text.empty() && text.back() == '\n') {
    text.remove_suffix(1);
  }
  spdlog::debug("{}", text);
  if (level == LIBBPF_WARN && collected().size() < kMostWarnings) {
    collected().emplace_back(text);
  }
  return length;
}

/// What is between the first "'" after @p mark and the next one; "": not there.
std::string quoted_after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) {
    return {};
  }
  const auto open = text.find('\'', at);
  const auto close = open == std::string_view::npos ? open : text.find('\'', open + 1);
  return close == std::string_view::npos ? std::string()
                                         : std::string(text.substr(open + 1, close - open - 1));
}

}  // namespace

void collect_libbpf_warnings() {
  collected().clear();
  libbpf_set_print(collect);
}

const std::vector<std::string>& libbpf_warnings() { return collected(); }

std::optional<Error> cause_in(const std::vector<std::string>& warnings) {
  for (const auto& warning : warnings) {
    if (const auto name = quoted_after(warning, "extern (func ksym)");
        !name.empty() && warning.find("not found") != std::string::npos) {
      return Error{fmt::format("this kernel has no function {}", name),
                   "boot one that has it, or declare it __weak and ask bpf_ksym_exists()"};
    }
    if (const auto name = quoted_after(warning, "extern (var ksym)");
        !name.empty() && warning.find("not found") != std::string::npos) {
      return Error{fmt::format("this kernel has no variable {}", name),
                   "boot one that has it, or declare it __weak"};
    }
    if (warning.find("BTF is required") != std::string::npos) {
      return Error{"it has no types (BTF), or broken ones", "compile it with clang -g"};
    }
  }
  return std::nullopt;
}

}  // namespace tcpopt
