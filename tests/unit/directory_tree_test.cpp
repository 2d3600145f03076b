// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/directory_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "base/unique_fd.h"
#include "support.h"

namespace tcpopt {
namespace {

namespace fs = std::filesystem;

class DirectoryTree : public testing::Test {
 protected:
  [[nodiscard]] UniqueFd top() const {
    return UniqueFd(::open(top_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  /// Inodes of the directories that a walk visits.
  [[nodiscard]] std::set<ino_t> walk(Status* said = nullptr) const {
    std::set<ino_t> found;
    const auto start = top();
    auto walked = walk_directories(start.get(), [&found](int directory) {
      struct stat status {};
      EXPECT_EQ(fstat(directory, &status), 0);
      found.insert(status.st_ino);
    });
    if (said != nullptr) {
      *said = std::move(walked);
    } else {
      EXPECT_TRUE(walked) << error_of(walked);
    }
    return found;
  }
  [[nodiscard]] ino_t make(const fs::path& path) const {
    fs::create_directories(top_.path() / path);
    struct stat status {};
    EXPECT_EQ(stat((top_.path() / path).c_str(), &status), 0);
    return status.st_ino;
  }

  TemporaryDirectory top_;
};

TEST_F(DirectoryTree, FindsAllOnceAndNoFiles) {
  const std::set<ino_t> all{make("."), make("a"), make("a/b"), make("a/b/c"), make("d")};
  std::ofstream(top_.path() / "a/file") << "x";
  fs::create_directory_symlink(top_.path(), top_.path() / "d/loop");
  EXPECT_EQ(walk(), all);
}

TEST_F(DirectoryTree, WhatComesAndGoesHidesNothingThatStays) {
  constexpr int kLasting = 40;
  std::set<ino_t> lasting;
  for (int i = 0; i < kLasting; ++i) {
    lasting.insert(make(fmt::format("lasting{}", i)));
    lasting.insert(make(fmt::format("lasting{}/below", i)));
  }
  std::atomic<bool> end = false;
  std::jthread churn([&] {
    std::error_code code;
    while (!end) {
      for (int i = 0; i < kLasting; ++i) {
        fs::create_directories(top_.path() / fmt::format("fleeting{}/below/far", i), code);
      }
      for (int i = 0; i < kLasting; ++i) {
        fs::remove_all(top_.path() / fmt::format("fleeting{}", i), code);
      }
    }
  });
  int cut_short = 0;
  for (int i = 0; i < 300; ++i) {
    const auto found = walk();
    cut_short += std::includes(found.begin(), found.end(), lasting.begin(), lasting.end()) ? 0 : 1;
  }
  end = true;
  EXPECT_EQ(cut_short, 0) << "walks that missed lasting directories";
}

TEST_F(DirectoryTree, SaysWhatItCouldNotLookInto) {
  const auto rest = std::set<ino_t>{make("."), make("a"), make("z")};
  fs::create_directories(top_.path() / "a/b");  // for which no descriptor is left
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  // Of the top, and one more.
  const rlimit few{static_cast<rlim_t>(next.get()) + 3, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  Status said;
  const auto found = walk(&said);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_THAT(error_of(said), testing::HasSubstr("Too many open files"));
  EXPECT_TRUE(std::includes(found.begin(), found.end(), rest.begin(), rest.end()));
}

}  // namespace
}  // namespace tcpopt
