// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces and addresses of a network namespace, from rtnetlink.
#pragma once

#include <linux/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/netlink.h"

namespace tcpopt {

struct Device {
  std::string name;
  std::uint32_t type = 0;   ///< ARPHRD_*
  std::uint32_t flags = 0;  ///< IFF_*

  bool operator==(const Device&) const = default;
};

struct DeviceAddress {
  std::uint32_t index = 0;          ///< of its interface
  std::uint32_t family = 0;         ///< AF_INET, AF_INET6
  std::array<__be32, 4> address{};  ///< IPv4 in the first word; the rest is 0
  std::uint32_t flags = 0;          ///< IFA_F_*

  bool operator==(const DeviceAddress&) const = default;
};

struct Network {
  std::map<std::uint32_t, Device> devices;  ///< by interface index
  std::vector<DeviceAddress> addresses;     ///< as the kernel lists them

  bool operator==(const Network&) const = default;
};

/// Puts what an RTM_NEWLINK or RTM_NEWADDR says into @p network; other messages and
/// families say nothing. Errors: it is shorter than it should be.
[[nodiscard]] Status add_message(const nlmsghdr& message, Network& network);

/// A namespace that is watched. It is kept alive by that.
class NetworkWatch {
 public:
  /// Of the namespace of the calling thread.
  /// Errors: Linux before 5.14, which has no cookies.
  static Result<NetworkWatch> open();

  /// Can be read from when something may have changed.
  [[nodiscard]] int fd() const { return notifications_.fd(); }
  /// Of the namespace: unique as long as the machine runs.
  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }
  [[nodiscard]] const Network& network() const { return network_; }

  /// Looks again if there was a notification, or in any case.
  /// Returns whether network() is another than before.
  /// Errors: the kernel does not tell; network() stays, and @p in_any_case is due.
  [[nodiscard]] Result<bool> refresh(bool in_any_case = false);

 private:
  NetworkWatch(NetlinkSocket notifications, NetlinkSocket requests, std::uint64_t cookie)
      : notifications_(std::move(notifications)), requests_(std::move(requests)), cookie_(cookie) {}

  Result<bool> look(Network& into);

  NetlinkSocket notifications_;
  NetlinkSocket requests_;
  std::uint64_t cookie_;
  Network network_;
};

}  // namespace tcpopt
