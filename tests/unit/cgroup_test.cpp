// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernel/cgroup.h"

#include <fcntl.h>

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

TEST(Namespaces, WorkRunsElsewhereAndErrorsAreCollected) {
  std::vector<NetNamespace> broken;
  broken.push_back({UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "pid 7", 0, {}});
  const auto errors = run_inside(broken, [] { return Status(); });
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].line(), HasSubstr("network namespace of pid 7: enter: "));
}

}  // namespace
}  // namespace tcpopt
