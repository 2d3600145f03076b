// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/sessions.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kernel/netlink.h"

namespace tcpopt {

namespace {

/// Id of the cgroup that the socket of @p message was made in; 0: not told.
std::uint64_t cgroup_of(const nlmsghdr& message) {
  std::uint64_t id = 0;
  mnl_attr_parse(
      &message, sizeof(inet_diag_msg),
      [](const nlattr* attribute, void* into) {
        if (mnl_attr_get_type(attribute) == INET_DIAG_CGROUP_ID &&
            mnl_attr_validate(attribute, MNL_TYPE_U64) >= 0) {
          *static_cast<std::uint64_t*>(into) = mnl_attr_get_u64(attribute);
        }
        return MNL_CB_OK;
      },
      &id);
  return id;
}

constexpr std::uint32_t state_bit(int state) { return 1U << static_cast<unsigned>(state); }
constexpr std::uint32_t kConnected = state_bit(TCP_ESTABLISHED) | state_bit(TCP_SYN_SENT) |
                                     state_bit(TCP_FIN_WAIT1) | state_bit(TCP_FIN_WAIT2) |
                                     state_bit(TCP_CLOSE_WAIT) | state_bit(TCP_LAST_ACK) |
                                     state_bit(TCP_CLOSING);

Result<bool> has_connection(const std::set<std::uint64_t>& cgroups, std::uint8_t family) {
  auto socket = NetlinkSocket::for_requests(NETLINK_SOCK_DIAG);
  if (!socket) {
    return pass(socket);
  }
  bool found = false;
  auto asked = socket->dump(
      SOCK_DIAG_BY_FAMILY,
      [family](nlmsghdr* request) {
        auto* const wanted = static_cast<inet_diag_req_v2*>(
            mnl_nlmsg_put_extra_header(request, sizeof(inet_diag_req_v2)));
        wanted->sdiag_family = family;
        wanted->sdiag_protocol = IPPROTO_TCP;
        wanted->idiag_states = kConnected;
      },
      [&](const nlmsghdr& message) {
        found = cgroups.contains(cgroup_of(message));
        return !found;
      });
  if (!asked) {
    return pass(asked, "list of connections");
  }
  return found;
}

}  // namespace

Result<bool> has_connection(const std::set<std::uint64_t>& cgroups) {
  auto of_ipv4 = has_connection(cgroups, AF_INET);
  if (!of_ipv4 || *of_ipv4) {
    return of_ipv4;
  }
  return has_connection(cgroups, AF_INET6);
}

}  // namespace tcpopt
