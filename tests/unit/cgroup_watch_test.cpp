// SPDX-License-Identifier: GPL-2.0-or-later
// On plain directories, of which inotify tells the same, but that they are gone for good.
#include "policy/cgroup_watch.h"

#include <poll.h>

#include <fstream>
#include <set>
#include <tuple>
#include <utility>

#include "support.h"

namespace tcpopt {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Seen = std::pair<std::size_t, std::string>;

class CgroupWatching : public testing::Test {
 protected:
  CgroupWatching()
      : watch_([this](std::size_t at, const std::string& path) {
          seen_.insert({at, path});
        }) {}

  void make(std::string_view path) const {
    std::filesystem::create_directories(top_.path() / path);
  }
  void watch(const std::vector<std::string_view>& patterns) {
    std::vector<CgroupPattern> parsed;
    parsed.reserve(patterns.size());
    for (const auto pattern : patterns) {
      parsed.push_back(*CgroupPattern::parse(pattern, "/sys/fs/cgroup"));
    }
    const auto watched = watch_.watch(top_.path(), std::move(parsed));
    EXPECT_TRUE(watched) << error_of(watched);
  }
  /// What was called for since the last time.
  std::set<Seen> seen() {
    // It may have another one after each step.
    for (auto fds = watch_.descriptors(); !fds.empty(); fds = watch_.descriptors()) {
      pollfd event{.fd = fds.front(), .events = POLLIN, .revents = 0};
      if (poll(&event, 1, 0) <= 0) {
        break;
      }
      watch_.work({fds.front()});
    }
    return std::exchange(seen_, {});
  }

  TemporaryDirectory top_;
  std::set<Seen> seen_;
  CgroupWatch watch_;
};

TEST_F(CgroupWatching, TellsOfThoseThatAreThereAndThatAppear) {
  make("k/pod1/c1");
  make("other/x");
  watch({"k/**", "docker-*.scope", "web.slice"});
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "k/pod1"}));
  make("k/pod2");
  make("k/pod1/c2");
  make("web.slice");
  make("other/x/docker-1.scope");
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "k/pod2"}, Seen{2, "web.slice"},
                                           Seen{1, "other/x/docker-1.scope"}));
  make("other/y");
  make("web.slice/below");
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(CgroupWatching, NothingIsMissedBelowWhatAppears) {
  watch({"a/*/c", "x/*"});
  // All before the first event is looked at.
  make("a/b1/c");
  make("a/b2/c/d");
  make("x/y");
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "a/b1/c"}, Seen{0, "a/b2/c"}, Seen{1, "x/y"}));
}

TEST_F(CgroupWatching, WhatIsRemovedAndMadeAgainIsToldOfAgain) {
  make("s/web");
  watch({"s/web"});
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "s/web"}));
  for (int i = 0; i < 3; ++i) {
    std::filesystem::remove_all(top_.path() / "s");
    EXPECT_THAT(seen(), IsEmpty());
    make("s/web");
    EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "s/web"}));
  }
}

TEST_F(CgroupWatching, NamesOfDepthsThatMatchNothingAreNotWatched) {
  make("a/b/c");
  watch({"a/*"});
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "a/b"}));
  make("a/b/d");
  make("z/b");
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(CgroupWatching, OtherPatternsTakeThePlaceOfTheFirst) {
  watch({"a*"});
  watch({"b"});
  make("a1");
  make("b");
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "b"}));
  watch({});
  make("a2");
  EXPECT_THAT(seen(), IsEmpty());
}

TEST_F(CgroupWatching, NothingIsMissedWhenThereAreTooManyEvents) {
  make("k");
  watch({"k/last"});
  std::ignore = seen();
  const int queue = [] {
    int size = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> size;
    return size;
  }();
  for (int i = 0; i <= queue; ++i) {
    std::filesystem::create_directory(top_.path() / "k" / std::to_string(i));
  }
  make("k/last");
  EXPECT_THAT(seen(), UnorderedElementsAre(Seen{0, "k/last"}));
}

}  // namespace
}  // namespace tcpopt
