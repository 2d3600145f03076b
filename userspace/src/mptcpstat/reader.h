// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tcpopt::mptcpstat {

using Bytes = std::span<const std::uint8_t>;

/// Reads fields in network order. What lies beyond the end reads as 0, and ok()
/// is false from then on, so that a caller checks once.
class Reader {
 public:
  explicit Reader(Bytes data) : data_(data) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return data_.size(); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  Bytes take(std::size_t count) {
    if (count > data_.size()) {
      ok_ = false;
      count = data_.size();
    }
    const auto taken = data_.first(count);
    data_ = data_.subspan(count);
    return taken;
  }

 private:
  std::uint64_t number(std::size_t size) {
    if (size > data_.size()) {
      ok_ = false;
      data_ = {};
      return 0;
    }
    std::uint64_t value = 0;
    for (const auto byte : take(size)) {
      value = value << 8 | byte;
    }
    return value;
  }

  Bytes data_;
  bool ok_ = true;
};

}  // namespace tcpopt::mptcpstat
