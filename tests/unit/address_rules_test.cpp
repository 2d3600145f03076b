// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/address_rules.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <array>
#include <cstring>

#include "params/local_addrs.h"
#include "params/prefix.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t kUp = IFF_UP | IFF_RUNNING;

class AddressRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    network_.devices = {{1, {"lo", ARPHRD_LOOPBACK, kUp | IFF_LOOPBACK}},
                        {3, {"eth0", ARPHRD_ETHER, kUp}},
                        {2, {"eth1", ARPHRD_ETHER, kUp}},
                        {7, {"wlan0", ARPHRD_ETHER, kUp}}};
  }

  void add(std::uint32_t index, const std::string& text, std::uint32_t flags = IFA_F_PERMANENT) {
    DeviceAddress address{.index = index, .family = AF_INET, .address = {}, .flags = flags};
    if (text.find(':') != std::string::npos) {
      address.family = AF_INET6;
    }
    ASSERT_EQ(inet_pton(static_cast<int>(address.family), text.c_str(), address.address.data()), 1);
    network_.addresses.push_back(address);
  }

  [[nodiscard]] std::vector<std::string> chosen() const {
    std::vector<std::string> found;
    const auto addrs = select_addresses(network_, rules_);
    for (const auto& one : std::span(addrs.addr).first(addrs.nr)) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      inet_ntop(static_cast<int>(one.family), std::begin(one.addr), text.data(), text.size());
      const auto* const backup = (one.flags & TCPOPT_ADDR_BACKUP) != 0 ? " backup" : "";
      const auto* const old = (one.flags & TCPOPT_ADDR_DEPRECATED) != 0 ? " deprecated" : "";
      found.push_back(std::string(text.data()) + backup + old);
    }
    return found;
  }

  Network network_;
  AddressRules rules_;
};

TEST_F(AddressRulesTest, SortByInterfaceAndThenAsTheyAreListed) {
  add(3, "10.3.0.9");
  add(2, "10.2.0.1");
  add(3, "10.3.0.1");
  add(3, "2001:db8::3");
  add(2, "2001:db8::2");
  EXPECT_THAT(chosen(),
              ElementsAre("10.2.0.1", "2001:db8::2", "10.3.0.9", "10.3.0.1", "2001:db8::3"));
}

TEST_F(AddressRulesTest, SayWhatTheProgramHasToKnow) {
  network_.devices[3].type = ARPHRD_PPP;
  add(3, "10.3.0.1");
  const auto addrs = select_addresses(network_, rules_);
  ASSERT_EQ(addrs.nr, 1U);
  EXPECT_EQ(addrs.addr[0].family, static_cast<unsigned>(AF_INET));
  EXPECT_EQ(addrs.addr[0].ifindex, 3U);
  EXPECT_EQ(addrs.addr[0].type, static_cast<unsigned>(ARPHRD_PPP));
  EXPECT_THAT(addrs.addr[0].addr, ElementsAre(htonl(0x0a030001), 0, 0, 0));
}

TEST_F(AddressRulesTest, KeepToPrefixes) {
  add(2, "10.2.0.1");
  add(2, "192.0.2.1");
  add(3, "2001:db8:1::3");
  add(3, "2001:db8:2::3");
  rules_.within = {*parse_prefix("10.0.0.0/8"), *parse_prefix("2001:db8::/32")};
  EXPECT_THAT(chosen(), ElementsAre("10.2.0.1", "2001:db8:1::3", "2001:db8:2::3"));
  rules_.without = {*parse_prefix("2001:db8:1::/48"), *parse_prefix("10.2.0.1")};
  EXPECT_THAT(chosen(), ElementsAre("2001:db8:2::3"));
  rules_.within.clear();
  EXPECT_THAT(chosen(), ElementsAre("192.0.2.1", "2001:db8:2::3"));
  rules_.without = {*parse_prefix("0.0.0.0/0")};
  EXPECT_THAT(chosen(), ElementsAre("2001:db8:1::3", "2001:db8:2::3"));
}

TEST_F(AddressRulesTest, TakeTemporaryOnesAsTheyAreTold) {
  add(2, "2001:db8::2");
  add(3, "10.3.0.1");
  add(3, "2001:db8::3");
  add(3, "2001:db8::33", IFA_F_TEMPORARY);
  add(3, "2001:db8::333", IFA_F_TEMPORARY | IFA_F_DEPRECATED);
  EXPECT_THAT(chosen(), ElementsAre("2001:db8::2", "10.3.0.1", "2001:db8::3", "2001:db8::33",
                                    "2001:db8::333 deprecated"));
  rules_.temporary = Temporary::Never;
  EXPECT_THAT(chosen(), ElementsAre("2001:db8::2", "10.3.0.1", "2001:db8::3"));
  rules_.temporary = Temporary::Rather;
  EXPECT_THAT(chosen(), ElementsAre("2001:db8::2", "10.3.0.1", "2001:db8::3 deprecated",
                                    "2001:db8::33", "2001:db8::333 deprecated"));
  // Nothing would be left.
  network_.addresses[3].flags |= IFA_F_DEPRECATED;
  EXPECT_THAT(chosen(), ElementsAre("2001:db8::2", "10.3.0.1", "2001:db8::3",
                                    "2001:db8::33 deprecated", "2001:db8::333 deprecated"));
}

TEST_F(AddressRulesTest, WantInterfacesThatAreUpWithACarrier) {
  add(2, "10.2.0.1");
  add(3, "10.3.0.1");
  add(7, "10.7.0.1");
  add(99, "10.99.0.1");  // gone between the two lists
  network_.devices[2].flags = IFF_UP;
  network_.devices[3].flags = IFF_RUNNING;
  EXPECT_THAT(chosen(), ElementsAre("10.7.0.1"));
}

TEST_F(AddressRulesTest, ChooseInterfacesByPatterns) {
  add(2, "10.2.0.1");
  add(3, "10.3.0.1");
  add(7, "10.7.0.1");
  rules_.only = {"eth*"};
  EXPECT_THAT(chosen(), ElementsAre("10.2.0.1", "10.3.0.1"));
  rules_.only = {"eth1", "wlan?"};
  EXPECT_THAT(chosen(), ElementsAre("10.2.0.1", "10.7.0.1"));
  rules_.except = {"*[1-9]"};
  EXPECT_THAT(chosen(), ElementsAre("10.7.0.1"));
  rules_.only.clear();
  EXPECT_THAT(chosen(), ElementsAre("10.3.0.1", "10.7.0.1"));
  rules_.backup = {"w*", "eth1"};
  EXPECT_THAT(chosen(), ElementsAre("10.3.0.1", "10.7.0.1 backup"));
  rules_.except = {"eth", "lan0", "ETH0"};  // no name, but parts of names
  EXPECT_THAT(chosen(), ElementsAre("10.2.0.1 backup", "10.3.0.1", "10.7.0.1 backup"));
}

TEST_F(AddressRulesTest, LeaveOutKindsThatAreNotAskedFor) {
  add(1, "127.0.0.1");
  add(1, "::1");
  add(1, "192.0.2.1");
  add(2, "127.1.2.3");
  add(2, "10.2.0.1", IFA_F_PERMANENT | IFA_F_DEPRECATED);
  add(2, "169.254.1.1");
  add(2, "169.253.1.1");
  add(2, "fe80::1");
  add(2, "febf::1");
  add(2, "fec0::1");
  add(2, "fd00::1", IFA_F_TENTATIVE);
  add(2, "fd00::2", IFA_F_DEPRECATED);
  add(2, "fe80::2", IFA_F_TENTATIVE);
  EXPECT_THAT(chosen(),
              ElementsAre("10.2.0.1 deprecated", "169.253.1.1", "fec0::1", "fd00::2 deprecated"));
  rules_.include = {TCPOPT_ADDR_KIND_LOOPBACK};
  EXPECT_THAT(chosen(),
              ElementsAre("127.0.0.1", "::1", "192.0.2.1", "127.1.2.3", "10.2.0.1 deprecated",
                          "169.253.1.1", "fec0::1", "fd00::2 deprecated"));
  rules_.include = {TCPOPT_ADDR_KIND_DEPRECATED};
  EXPECT_THAT(chosen(), ElementsAre("10.2.0.1", "169.253.1.1", "fec0::1", "fd00::2"));
  network_.addresses.erase(network_.addresses.begin() + 4);
  network_.addresses.erase(network_.addresses.end() - 2);
  rules_.include = {TCPOPT_ADDR_KIND_LINK_LOCAL};
  EXPECT_THAT(chosen(), ElementsAre("169.254.1.1", "169.253.1.1", "fe80::1", "febf::1", "fec0::1"));
  rules_.include = {TCPOPT_ADDR_KIND_LINK_LOCAL, TCPOPT_ADDR_KIND_TENTATIVE};
  EXPECT_THAT(chosen(), ElementsAre("169.254.1.1", "169.253.1.1", "fe80::1", "febf::1", "fec0::1",
                                    "fd00::1", "fe80::2"));
}

TEST_F(AddressRulesTest, NeverTakeADuplicate) {
  add(2, "fd00::1", IFA_F_TENTATIVE | IFA_F_DADFAILED);
  rules_.include = {TCPOPT_ADDR_KIND_TENTATIVE};
  EXPECT_THAT(chosen(), ElementsAre());
}

TEST_F(AddressRulesTest, CountWhatThereIsNoRoomFor) {
  for (int i = 0; i < TCPOPT_ADDRS_MAX + 3; ++i) {
    add(3, "10.3.0." + std::to_string(i));
  }
  add(2, "10.2.0.1");
  const auto addrs = select_addresses(network_, rules_);
  EXPECT_EQ(addrs.nr, static_cast<unsigned>(TCPOPT_ADDRS_MAX));
  EXPECT_EQ(addrs.left_out, 4U);
  EXPECT_EQ(chosen().front(), "10.2.0.1");
  EXPECT_EQ(chosen().back(), "10.3.0.14");
}

TEST_F(AddressRulesTest, ShareTheRoomFairly) {
  for (int i = 0; i < TCPOPT_ADDRS_MAX; ++i) {
    add(2, "fd00:2::" + std::to_string(i));
  }
  add(2, "10.2.0.1");
  add(3, "10.3.0.1");
  add(7, "10.7.0.1", IFA_F_DEPRECATED);
  const auto found = chosen();
  EXPECT_THAT(found, testing::Contains("10.2.0.1"));
  EXPECT_EQ(found.back(), "10.3.0.1");
  EXPECT_EQ(found[found.size() - 3], "fd00:2::13");
}

TEST_F(AddressRulesTest, LeavePlacesThatAreTaken) {
  for (int i = 0; i < TCPOPT_ADDRS_MAX; ++i) {
    add(3, "10.3.0." + std::to_string(i));
  }
  const auto before = select_addresses(network_, rules_);
  add(2, "10.2.0.1");  // a newcomer, which would have its share otherwise
  auto after = select_addresses(network_, rules_, before);
  EXPECT_EQ(after.left_out, 1U);
  after.left_out = 0;
  EXPECT_EQ(std::memcmp(&after, &before, sizeof(after)), 0);
  network_.addresses.erase(network_.addresses.begin());
  EXPECT_EQ(select_addresses(network_, rules_, before).addr[0].ifindex, 2U);
}

TEST_F(AddressRulesTest, ComeFromTheListsThatTheProgramHas) {
  Schema schema;
  Param temporary;
  temporary.name = "temporary";
  temporary.size = 4;
  temporary.min = std::uint64_t{0};
  temporary.max = std::uint64_t{2};
  schema.size = 4;
  schema.params = {temporary};
  schema.maps = {{"except", "without", MapKind::Interfaces, 8, "", {}},
                 {"include", "kinds", MapKind::AddressKinds, 8, "", {}},
                 {"noprefix", "noprefix", MapKind::Prefixes, 8, "", {}},
                 {"others", "others", MapKind::Interfaces, 8, "", {}}};
  const auto values = initial_values(schema,
                                     {{"except", "b*,a0"},
                                      {"include", "loopback,tentative"},
                                      {"noprefix", "10.0.0.0/8"},
                                      {"others", "x"},
                                      {"temporary", "2"}},
                                     {});
  ASSERT_TRUE(values) << error_of(values);
  const auto rules = address_rules(schema, *values);
  EXPECT_THAT(rules.except, ElementsAre("a0", "b*"));
  EXPECT_THAT(rules.include, ElementsAre(TCPOPT_ADDR_KIND_TENTATIVE, TCPOPT_ADDR_KIND_LOOPBACK));
  EXPECT_THAT(rules.only, ElementsAre());
  EXPECT_THAT(rules.backup, ElementsAre());
  EXPECT_TRUE(rules.within.empty());
  ASSERT_EQ(rules.without.size(), 1U);
  EXPECT_EQ(to_string(rules.without.front()), "10.0.0.0/8");
  EXPECT_EQ(rules.temporary, Temporary::Rather);
}

}  // namespace
}  // namespace tcpopt
