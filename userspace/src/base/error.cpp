// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace tcpopt {

namespace {

// Kernel-internal, yet bpf(2) returns it when a program type or hook is absent.
constexpr int kEnotsupp = 524;
constexpr unsigned char kDelete = 0x7f;

}  // namespace

Error Error::in(std::string_view context) && {
  return {fmt::format("{}: {}", context, cause), std::move(cure)};
}

std::string Error::line() const {
  return printable(cure.empty() ? cause : fmt::format("{}; {}", cause, cure));
}

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == kDelete) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += c;
    }
  }
  return shown;
}

tl::unexpected<Error> fail(std::string cause, std::string cure) {
  return tl::make_unexpected(Error{std::move(cause), std::move(cure)});
}

tl::unexpected<Error> fail_errno(int err, std::string_view what, std::string cure) {
  return fail(fmt::format("{}: {}", what, errno_text(err)), std::move(cure));
}

std::string errno_text(int err) {
  err = std::abs(err);
  if (err == kEnotsupp) {
    return "Not supported by this kernel";
  }
  if (const char* text = strerrordesc_np(err)) {
    return text;
  }
  if (err >= __LIBBPF_ERRNO__START && err < __LIBBPF_ERRNO__END) {
    std::array<char, 128> buffer{};
    libbpf_strerror(err, buffer.data(), buffer.size());
    return buffer.data();
  }
  return fmt::format("errno {}", err);
}

}  // namespace tcpopt
