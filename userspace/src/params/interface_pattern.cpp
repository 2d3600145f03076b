// SPDX-License-Identifier: GPL-2.0-or-later
#include "params/interface_pattern.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <string_view>

namespace tcpopt {

namespace {

/// Where the bracket that opens at @p open ends: behind its "]". npos: it does not.
/// A "]" that comes first stands for itself, and "[:digit:]" is of one piece.
std::size_t behind_bracket(std::string_view text, std::size_t open) {
  std::size_t at = open + 1;
  if (at < text.size() && (text[at] == '!' || text[at] == '^')) {
    ++at;
  }
  for (const auto first = at; at < text.size(); ++at) {
    if (text[at] == ']' && at != first) {
      return at + 1;
    }
    if (text.substr(at).starts_with("[:")) {
      const auto end = text.find(":]", at + 2);
      at = end == std::string_view::npos ? at : end + 1;
    }
  }
  return std::string_view::npos;
}

bool never_in_a_name(char c) {
  return c == '/' || c == ':' || std::isspace(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

Result<tcpopt_ifname> parse_interface_pattern(std::string_view text) {
  tcpopt_ifname pattern{};
  if (text.size() >= sizeof(pattern.pattern)) {
    return fail(fmt::format("'{}' has {} bytes", text, text.size()),
                fmt::format("a name of an interface, or a pattern, has at most {}",
                            sizeof(pattern.pattern) - 1));
  }
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '[') {
      at = behind_bracket(text, at);
      if (at == std::string_view::npos) {
        return fail(fmt::format("'{}' has a bracket that is not closed", text),
                    "write it as in eth[0-3]");
      }
      continue;
    }
    if (never_in_a_name(text[at])) {
      return fail(fmt::format("'{}': no interface has '{}' in its name", text, text[at]),
                  "give names as ip link shows them, or patterns as in eth* or wlan[01]");
    }
    ++at;
  }
  text.copy(std::begin(pattern.pattern), sizeof(pattern.pattern) - 1);
  return pattern;
}

std::string to_string(const tcpopt_ifname& pattern) {
  const auto* const first = std::begin(pattern.pattern);
  return {first, strnlen(first, sizeof(pattern.pattern))};
}

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace tcpopt
