// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "mptcpstat/intervals.h"
#include "mptcpstat/quantiles.h"
#include "mptcpstat/rtt.h"

namespace tcpopt::mptcpstat {

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Parts {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>> known;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> fresh;
};

Parts add(Intervals& set, std::uint64_t begin, std::uint64_t end, std::uint32_t owner = 0,
          Time time = 0) {
  Parts parts;
  set.add(
      begin, end, owner, time,
      [&](const Interval& part) { parts.known.emplace_back(part.begin, part.end, part.owner); },
      [&](std::uint64_t from, std::uint64_t to) { parts.fresh.emplace_back(from, to); });
  return parts;
}

TEST(MptcpstatIntervals, FirstOwnerKeepsARange) {
  Budget budget{100};
  Intervals set{budget, 10, kSecond};
  EXPECT_THAT(add(set, 100, 200, 1).fresh, ElementsAre(std::pair{100, 200}));
  const auto parts = add(set, 50, 250, 2);
  EXPECT_THAT(parts.known, ElementsAre(std::tuple{100, 200, 1U}));
  EXPECT_THAT(parts.fresh, ElementsAre(std::pair{50, 100}, std::pair{200, 250}));
  EXPECT_THAT(
      add(set, 0, 300, 3).known,
      ElementsAre(std::tuple{50, 100, 2U}, std::tuple{100, 200, 1U}, std::tuple{200, 250, 2U}));
  EXPECT_EQ(set.top(), 300U);
}

TEST(MptcpstatIntervals, RangesOfOneOwnerThatTouchAreOne) {
  Budget budget{100};
  Intervals set{budget, 10, kSecond};
  add(set, 0, 10);
  add(set, 20, 30);
  add(set, 10, 20);
  EXPECT_EQ(set.size(), 1U);
  EXPECT_EQ(budget.used(), 1U);
  add(set, 30, 40, 0, 2 * kSecond);
  EXPECT_EQ(set.size(), 2U) << "too late to be of the same time";
  add(set, 40, 50, 1, 2 * kSecond);
  EXPECT_EQ(set.size(), 3U);
}

TEST(MptcpstatIntervals, EmptyRangesAreNothing) {
  Budget budget{100};
  Intervals set{budget, 10, kSecond};
  EXPECT_THAT(add(set, 5, 5).fresh, IsEmpty());
  add(set, 5, 10);
  EXPECT_THAT(add(set, 7, 7).known, IsEmpty());
  EXPECT_EQ(set.size(), 1U);
}

TEST(MptcpstatIntervals, TheLowestAreForgottenAtTheLimit) {
  Budget budget{100};
  Intervals set{budget, 8, kSecond};
  for (std::uint64_t i = 0; i < 9; ++i) {
    add(set, i * 10, i * 10 + 5, static_cast<std::uint32_t>(i));
  }
  EXPECT_LE(set.size(), 8U);
  EXPECT_EQ(set.forgotten(), 2U);
  EXPECT_EQ(set.floor(), 15U);
  const auto parts = add(set, 0, 25, 20);
  EXPECT_THAT(parts.known,
              ElementsAre(std::tuple{0, 15, Intervals::kForgotten}, std::tuple{20, 25, 2U}));
  EXPECT_THAT(parts.fresh, ElementsAre(std::pair{15, 20}));
}

TEST(MptcpstatIntervals, TheBudgetIsNeverExceededAndComesBack) {
  Budget budget{5};
  {
    Intervals a{budget, 100, kSecond};
    Intervals b{budget, 100, kSecond};
    for (std::uint64_t i = 0; i < 20; ++i) {
      add(a, i * 10, i * 10 + 5);
      add(b, 1'000 - i * 10, 1'005 - i * 10);
      EXPECT_LE(budget.used(), 5U);
      EXPECT_EQ(budget.used(), a.size() + b.size());
    }
    EXPECT_NE(a.forgotten(), 0U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MptcpstatIntervals, AgreesWithAMapOfBytes) {
  std::mt19937 random{7};  // NOLINT(cert-msc51-cpp): the same ranges in every run
  Budget budget{10'000};
  Intervals set{budget, 10'000, 1'000 * kSecond};
  std::map<std::uint64_t, std::uint32_t> bytes;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t begin = random() % 1'000;
    const std::uint64_t end = begin + random() % 40;
    const auto owner = static_cast<std::uint32_t>(random() % 3);
    std::map<std::uint64_t, std::uint32_t> known;
    std::uint64_t fresh = 0;
    set.add(
        begin, end, owner, 0,
        [&](const Interval& part) {
          for (auto at = part.begin; at < part.end; ++at) {
            known[at] = part.owner;
          }
        },
        [&](std::uint64_t from, std::uint64_t to) { fresh += to - from; });
    std::uint64_t wanted = 0;
    for (auto at = begin; at < end; ++at) {
      const auto [place, is_new] = bytes.try_emplace(at, owner);
      wanted += is_new ? 1 : 0;
      if (!is_new) {
        ASSERT_EQ(known.at(at), place->second);
        known.erase(at);
      }
    }
    ASSERT_EQ(fresh, wanted);
    ASSERT_THAT(known, IsEmpty());
    ASSERT_EQ(budget.used(), set.size());
  }
}

TEST(MptcpstatQuantiles, AreWithinAThirtySecond) {
  Quantiles values;
  for (std::int64_t i = 1; i <= 100'000; ++i) {
    values.add(i * 1'000);
  }
  for (const double part : {0.25, 0.5, 0.9, 0.99}) {
    const auto exact = part * 1e8;
    EXPECT_NEAR(static_cast<double>(values.at(part)), exact, exact / 32) << part;
  }
  EXPECT_EQ(values.max(), 100'000'000);
  EXPECT_EQ(values.at(1), 100'000'000);
  Quantiles extremes;
  extremes.add(std::numeric_limits<std::int64_t>::max());
  extremes.add(-1);
  EXPECT_EQ(extremes.at(0.5), 0);
  EXPECT_EQ(extremes.at(1), std::numeric_limits<std::int64_t>::max());
}

TEST(MptcpstatRtt, ARetransmissionGivesNoSampleUnlessItsStampTells) {
  RttSampler plain;
  plain.sent(0, 10, 0, {});
  plain.resent(0, 10, 300, {});
  plain.acknowledged(10, 400, {});
  EXPECT_EQ(plain.samples().count, 0U);
  RttSampler stamped;
  stamped.sent(0, 10, 0, 1);
  stamped.resent(0, 10, 300, 2);
  stamped.acknowledged(10, 400, 2);
  EXPECT_EQ(stamped.samples().max, 100);
  RttSampler first_copy;
  first_copy.sent(0, 10, 0, 1);
  first_copy.resent(0, 10, 300, 2);
  first_copy.acknowledged(10, 400, 1);
  EXPECT_EQ(first_copy.samples().count, 0U);
}

TEST(MptcpstatRtt, AnAckThatWaitedForAHoleGivesNoSample) {
  RttSampler sampler;
  sampler.sent(0, 10, 0, {});
  sampler.sent(10, 20, 5, {});
  sampler.resent(0, 10, 300, {});
  sampler.acknowledged(20, 400, {});
  EXPECT_EQ(sampler.samples().count, 0U);
  sampler.sent(20, 30, 500, {});
  sampler.acknowledged(30, 570, {});
  EXPECT_EQ(sampler.samples().min, 70);
}

}  // namespace

}  // namespace tcpopt::mptcpstat
