// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "kernel/netns.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

TEST(CgroupChecks, RefuseWhatIsNoCgroup) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "x";
  EXPECT_THAT(error_of(Cgroup::open(directory.path() / "missing")), HasSubstr("it does not exist"));
  EXPECT_THAT(error_of(Cgroup::open(file)), HasSubstr("it is not a directory"));
  EXPECT_THAT(error_of(Cgroup::open(directory.path())), HasSubstr("it is not a cgroup"));
  EXPECT_THAT(error_of(Cgroup::from_fd(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "/n")),
              HasSubstr("cgroup /n: it is not a cgroup"));
}

TEST(CgroupChecks, KnowTheRootCgroup) {
  const auto mount = cgroup2_mount();
  if (!mount) {
    GTEST_SKIP() << "no cgroup2 mount on this machine";
  }
  const auto cgroup = Cgroup::open(*mount);
  ASSERT_TRUE(cgroup) << error_of(cgroup);
  EXPECT_EQ(cgroup->path(), *mount);
  EXPECT_GT(cgroup->id(), 0U);
  EXPECT_THAT(cgroup->processes(), testing::Contains(getpid()));
  const auto namespaces = namespaces_of(*cgroup);
  ASSERT_TRUE(namespaces) << error_of(namespaces);
  EXPECT_EQ(namespaces->front().found_at, "the daemon");
}

TEST(CgroupChecks, FindByIdWhatIsThereAndNothingElse) {
  const auto mount = cgroup2_mount();
  if (!mount || geteuid() != 0) {
    GTEST_SKIP() << "needs cgroup2 and CAP_DAC_READ_SEARCH";
  }
  const auto cgroup = Cgroup::open(*mount);
  ASSERT_TRUE(cgroup) << error_of(cgroup);
  const auto same = Cgroup::by_id(cgroup->id());
  ASSERT_TRUE(same) << error_of(same);
  ASSERT_TRUE(*same);
  EXPECT_EQ((*same)->path(), *mount);
  const auto none = Cgroup::by_id(UINT64_MAX - 1);
  ASSERT_TRUE(none) << error_of(none);
  EXPECT_FALSE(*none);
}

TEST(Namespaces, WorkRunsElsewhereAndErrorsAreCollected) {
  std::vector<NetNamespace> broken;
  broken.push_back({UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "pid 7"});
  const auto errors = run_inside(broken, [] { return Status(); });
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].line(), HasSubstr("network namespace of pid 7: enter: "));
}

}  // namespace
}  // namespace tcpopt
