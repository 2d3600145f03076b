// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/network.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace tcpopt {

namespace {

// A dump that something changed under is made again; what changed also sends a
// notification, so giving up loses nothing.
constexpr int kTries = 10;

using Attributes = std::map<unsigned, const nlattr*>;

Attributes attributes_behind(const nlmsghdr& message, std::size_t header) {
  Attributes found;
  mnl_attr_parse(
      &message, static_cast<unsigned>(header),
      [](const nlattr* attribute, void* into) {
        static_cast<Attributes*>(into)->insert_or_assign(mnl_attr_get_type(attribute), attribute);
        return MNL_CB_OK;
      },
      &found);
  return found;
}

const nlattr* find_attribute(const Attributes& attributes, unsigned type) {
  const auto found = attributes.find(type);
  return found == attributes.end() ? nullptr : found->second;
}

/// The header of type @p Header that the message begins with.
template <class Header>
Result<Header> header_of(const nlmsghdr& message) {
  Header header{};
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(header)) {
    return fail("rtnetlink: a message is too short");
  }
  std::memcpy(&header, mnl_nlmsg_get_payload(&message), sizeof(header));
  return header;
}

Status add_device(const nlmsghdr& message, Network& network) {
  auto header = header_of<ifinfomsg>(message);
  if (!header) {
    return pass(header);
  }
  const auto attributes = attributes_behind(message, sizeof(*header));
  const auto* const name = find_attribute(attributes, IFLA_IFNAME);
  // Bridges tell of their ports by messages of a family of their own.
  if (header->ifi_family != AF_UNSPEC) {
    return {};
  }
  if (name == nullptr || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0) {
    return fail("rtnetlink: an interface has no name");
  }
  network.devices.insert_or_assign(
      static_cast<std::uint32_t>(header->ifi_index),
      Device{mnl_attr_get_str(name), header->ifi_type, header->ifi_flags});
  return {};
}

Status add_address(const nlmsghdr& message, Network& network) {
  auto header = header_of<ifaddrmsg>(message);
  if (!header) {
    return pass(header);
  }
  if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6) {
    return {};
  }
  const auto attributes = attributes_behind(message, sizeof(*header));
  // Of a point-to-point interface IFA_ADDRESS is the peer's.
  const auto* bytes = find_attribute(attributes, IFA_LOCAL);
  bytes = bytes != nullptr ? bytes : find_attribute(attributes, IFA_ADDRESS);
  DeviceAddress address{.index = header->ifa_index,
                        .family = header->ifa_family,
                        .address = {},
                        .flags = header->ifa_flags};
  const std::size_t size = header->ifa_family == AF_INET ? 4 : 16;
  if (bytes == nullptr || mnl_attr_validate2(bytes, MNL_TYPE_BINARY, size) < 0) {
    return fail("rtnetlink: an address has no bytes");
  }
  std::memcpy(address.address.data(), mnl_attr_get_payload(bytes), size);
  const auto* const flags = find_attribute(attributes, IFA_FLAGS);
  if (flags != nullptr && mnl_attr_validate(flags, MNL_TYPE_U32) >= 0) {
    address.flags = mnl_attr_get_u32(flags);
  }
  network.addresses.push_back(address);
  return {};
}

Result<std::uint64_t> cookie_of_namespace(int socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) {
    return fail_errno(errno, "cookie of the network namespace", "Linux 5.14 or later brings it");
  }
  return cookie;
}

struct Question {
  std::uint16_t type;
  void (*body)(nlmsghdr* request);
};

void ask_for_links(nlmsghdr* request) {
  auto* const header =
      static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
  header->ifi_family = AF_UNSPEC;
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void ask_for_addresses(nlmsghdr* request) {
  auto* const header =
      static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg)));
  header->ifa_family = AF_UNSPEC;
}

}  // namespace

Status add_message(const nlmsghdr& message, Network& network) {
  switch (message.nlmsg_type) {
    case RTM_NEWLINK:
      return add_device(message, network);
    case RTM_NEWADDR:
      return add_address(message, network);
    default:
      return {};
  }
}

Result<NetworkWatch> NetworkWatch::open() {
  auto notifications = NetlinkSocket::for_notifications(
      NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
  if (!notifications) {
    return pass(notifications);
  }
  auto requests = NetlinkSocket::for_requests(NETLINK_ROUTE);
  if (!requests) {
    return pass(requests);
  }
  auto cookie = cookie_of_namespace(requests->fd());
  if (!cookie) {
    return pass(cookie);
  }
  // Listens before it looks: what changes in between is told.
  NetworkWatch watch(std::move(*notifications), std::move(*requests), *cookie);
  if (auto looked = watch.refresh(true); !looked) {
    return pass(looked);
  }
  return watch;
}

Result<bool> NetworkWatch::look(Network& into) {
  Status understood;
  // To the end in any case: the socket is used again.
  const auto add = [&](const nlmsghdr& message) {
    auto added = add_message(message, into);
    understood = understood ? std::move(added) : std::move(understood);
    return true;
  };
  for (const auto& [type, body] :
       {Question{RTM_GETLINK, ask_for_links}, {RTM_GETADDR, ask_for_addresses}}) {
    auto consistent = requests_.dump(type, body, add);
    if (!consistent || !*consistent) {
      return consistent;
    }
    if (!understood) {
      return pass(understood);
    }
  }
  return true;
}

Result<bool> NetworkWatch::refresh(bool in_any_case) {
  auto told = notifications_.drain();
  if (!told) {
    return pass(told);
  }
  if (!*told && !in_any_case) {
    return false;
  }
  for (int i = 0; i < kTries; ++i) {
    Network now;
    auto consistent = look(now);
    if (!consistent) {
      return pass(consistent);
    }
    if (*consistent) {
      const bool differs = now != network_;
      network_ = std::move(now);
      return differs;
    }
  }
  return fail("rtnetlink: the interfaces change faster than they can be listed");
}

}  // namespace tcpopt
