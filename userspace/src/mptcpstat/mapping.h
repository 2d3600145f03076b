// SPDX-License-Identifier: GPL-2.0-or-later
// Which data of the session a subflow's bytes are (RFC 8684, section 3.3.1), and
// whether the checksums of DSS options are right.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mptcpstat/direction.h"
#include "mptcpstat/reader.h"

namespace tcpopt::mptcpstat {

struct ChecksumCounts {
  std::uint64_t right = 0, wrong = 0;
  std::uint64_t unchecked = 0;  ///< payload was not captured, or not in order
};

/// Of payload bytes; a DATA_FIN's byte is in checked_length only.
struct Mapping {
  std::uint64_t ssn = 0, dsn = 0;  ///< as in Direction and DataStream
  std::uint32_t length = 0;
  std::optional<std::uint16_t> checksum;
  // What the checksum covers beside the payload.
  std::optional<std::uint64_t> wire_dsn;
  std::uint32_t wire_ssn = 0;
  std::uint16_t checked_length = 0;
};

class Mappings {
 public:
  explicit Mappings(ChecksumCounts& counts) : counts_(&counts) {}

  /// One that is known already changes nothing.
  void add(const Mapping& mapping);
  /// Sums up payload whose first byte is at @p begin, where a mapping waits for it.
  void feed(Range range, Bytes captured);
  /// Calls found(mapped range of data) for each mapped part; returns the other bytes.
  template <class Found>
  std::uint64_t translate(Range range, Found&& found) const {
    std::uint64_t unmapped = 0;
    while (range.begin < range.end) {
      const auto* mapping = find(range.begin);
      if (mapping == nullptr) {
        const auto next = next_begin(range);
        unmapped += next - range.begin;
        range.begin = next;
        continue;
      }
      const auto end = std::min(range.end, mapping->ssn + mapping->length);
      const auto offset = mapping->dsn - mapping->ssn;
      found(Range{range.begin + offset, end + offset});
      range.begin = end;
    }
    return unmapped;
  }
  /// Mappings that wait for payload will not get it.
  void close();

 private:
  struct Entry {
    Mapping mapping;
    std::uint64_t next = 0;  ///< byte that the sum waits for
    std::uint64_t sum = 0;
    bool waiting = false;
  };

  [[nodiscard]] const Mapping* find(std::uint64_t ssn) const;
  [[nodiscard]] std::uint64_t next_begin(Range range) const;
  void give_up(Entry& entry);
  void finish(Entry& entry);

  ChecksumCounts* counts_;
  std::vector<Entry> entries_;  ///< the newest ones
  std::size_t oldest_ = 0;
};

}  // namespace tcpopt::mptcpstat
