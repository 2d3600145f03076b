// SPDX-License-Identifier: GPL-2.0-or-later
// Messages of rtnetlink: made by hand, and of a fresh network namespace.
#include "kernel/network.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "support.h"

namespace tcpopt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A message under construction.
class Made {
 public:
  Made(std::uint16_t type, const void* header, std::size_t size)
      : message_(mnl_nlmsg_put_header(buffer_.data())) {
    message_->nlmsg_type = type;
    std::memcpy(mnl_nlmsg_put_extra_header(message_, size), header, size);
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  Made& with(std::uint16_t type, const void* data, std::size_t size) {
    mnl_attr_put(message_, type, size, data);
    return *this;
  }
  [[nodiscard]] const nlmsghdr& get() const { return *message_; }

 private:
  alignas(nlmsghdr) std::array<char, 1024> buffer_{};
  nlmsghdr* message_ = nullptr;
};

Made link_message(std::uint8_t family = AF_UNSPEC) {
  const ifinfomsg header{.ifi_family = family,
                         .__ifi_pad = 0,
                         .ifi_type = ARPHRD_ETHER,
                         .ifi_index = 5,
                         .ifi_flags = IFF_UP,
                         .ifi_change = 0};
  return {RTM_NEWLINK, &header, sizeof(header)};
}

Made address_message(std::uint8_t family, std::uint8_t flags = 0) {
  const ifaddrmsg header{.ifa_family = family,
                         .ifa_prefixlen = 24,
                         .ifa_flags = flags,
                         .ifa_scope = 0,
                         .ifa_index = 5};
  return {RTM_NEWADDR, &header, sizeof(header)};
}

TEST(NetworkMessages, OfLinks) {
  Network network;
  ASSERT_TRUE(add_message(link_message().with(IFLA_IFNAME, "eth5", 5).get(), network));
  EXPECT_EQ(network.devices.at(5), (Device{"eth5", ARPHRD_ETHER, IFF_UP}));
  // What a bridge says of its port is about something else.
  ASSERT_TRUE(add_message(link_message(AF_BRIDGE).get(), network));
  EXPECT_EQ(network.devices.size(), 1U);
}

TEST(NetworkMessages, OfAddresses) {
  Network network;
  const std::array<std::uint8_t, 4> mine{10, 0, 0, 1};
  const std::array<std::uint8_t, 4> other{10, 0, 0, 2};
  const std::array<std::uint8_t, 16> wide{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const std::uint32_t flags = IFA_F_TENTATIVE | 0x800;
  ASSERT_TRUE(add_message(address_message(AF_INET, IFA_F_DEPRECATED)
                              .with(IFA_ADDRESS, other.data(), other.size())
                              .with(IFA_LOCAL, mine.data(), mine.size())
                              .get(),
                          network));
  ASSERT_TRUE(add_message(address_message(AF_INET6)
                              .with(IFA_FLAGS, &flags, sizeof(flags))
                              .with(IFA_ADDRESS, wide.data(), wide.size())
                              .get(),
                          network));
  ASSERT_TRUE(add_message(address_message(AF_PACKET).get(), network));
  EXPECT_THAT(network.addresses,
              ElementsAre(DeviceAddress{5, AF_INET, {htonl(0x0a000001)}, IFA_F_DEPRECATED},
                          DeviceAddress{5, AF_INET6, {htonl(0xfd000000), 0, 0, htonl(1)}, flags}));
}

TEST(NetworkMessages, ThatAreTooShort) {
  Network network;
  const std::array<std::uint8_t, 3> few{1, 2, 3};
  EXPECT_THAT(error_of(add_message(Made(RTM_NEWLINK, few.data(), few.size()).get(), network)),
              HasSubstr("too short"));
  EXPECT_THAT(error_of(add_message(Made(RTM_NEWADDR, few.data(), few.size()).get(), network)),
              HasSubstr("too short"));
  EXPECT_THAT(error_of(add_message(link_message().get(), network)), HasSubstr("no name"));
  EXPECT_THAT(error_of(add_message(link_message().with(IFLA_IFNAME, "eth", 3).get(), network)),
              HasSubstr("no name"));
  EXPECT_THAT(error_of(add_message(address_message(AF_INET6).with(IFA_LOCAL, few.data(), 3).get(),
                                   network)),
              HasSubstr("no bytes"));
  EXPECT_EQ(network, Network());
}

bool ip(const std::string& words) {
  // NOLINTNEXTLINE(cert-env33-c): the words are those below
  return std::system(("ip " + words).c_str()) == 0;
}

std::vector<std::string> names_of(const Network& network) {
  std::vector<std::string> names;
  for (const auto& [index, device] : network.devices) {
    names.push_back(device.name);
  }
  return names;
}

bool is_readable(int fd) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&watched, 1, 0) == 1;
}

/// Of the netlink sockets in the namespace of the calling thread.
int lost_messages() {
  std::ifstream file("/proc/thread-self/net/netlink");
  std::string line;
  std::getline(file, line);  // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
  int sum = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    const std::vector<std::string> fields{std::istream_iterator<std::string>(words), {}};
    sum += std::stoi(fields.at(8));
  }
  return sum;
}

void watch_a_namespace() {
  ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  auto watch = NetworkWatch::open();
  ASSERT_TRUE(watch) << error_of(watch);
  EXPECT_NE(watch->cookie(), 0U);
  EXPECT_THAT(names_of(watch->network()), testing::Contains("lo"));
  EXPECT_THAT(watch->network().addresses, ElementsAre());
  EXPECT_FALSE(is_readable(watch->fd()));
  EXPECT_EQ(watch->refresh(), false);

  ASSERT_TRUE(ip("link set lo up") && ip("address add 10.1.2.3/32 dev lo"));
  EXPECT_TRUE(is_readable(watch->fd()));
  EXPECT_EQ(watch->refresh(), true);
  EXPECT_FALSE(is_readable(watch->fd()));
  const auto index = watch->network().devices.begin()->first;
  EXPECT_NE(watch->network().devices.at(index).flags & IFF_UP, 0U);
  const DeviceAddress address{index, AF_INET, {htonl(0x0a010203)}, IFA_F_PERMANENT};
  EXPECT_THAT(watch->network().addresses, testing::Contains(address));

  ASSERT_TRUE(ip("address del 10.1.2.3/32 dev lo") && ip("address add 10.1.2.3/32 dev lo"));
  EXPECT_EQ(watch->refresh(), false);  // told of, and as it was

  std::string changes;
  for (int i = 0; i < 2000; ++i) {
    changes += "address add 10.9.9.9/32 dev lo\naddress del 10.9.9.9/32 dev lo\n";
  }
  ASSERT_TRUE(ip("-batch - <<END\n" + changes + "address del 10.1.2.3/32 dev lo\nEND"));
  EXPECT_GT(lost_messages(), 0);
  EXPECT_EQ(watch->refresh(), true);
  EXPECT_THAT(watch->network().addresses, testing::Not(testing::Contains(address)));
  while (is_readable(watch->fd())) {
    ASSERT_TRUE(watch->refresh());
  }
}

TEST(NetworkWatch, SeesWhatChanges) {
  // Others may not make a namespace; tests/vm watches some, too.
  if (geteuid() == 0) {
    std::thread(watch_a_namespace).join();
  }
}

}  // namespace
}  // namespace tcpopt
