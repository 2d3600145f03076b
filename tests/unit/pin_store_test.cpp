// SPDX-License-Identifier: GPL-2.0-or-later
// The parts that need no bpffs; tests/vm has the rest.
#include "daemon/pin_store.h"

#include "daemon/lock.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

TEST(PinStore, NeedsABpffs) {
  const TemporaryDirectory directory;
  EXPECT_THAT(error_of(PinStore::open(directory.path())),
              HasSubstr("there is no bpffs; mount -t bpf bpf /sys/fs/bpf"));
  EXPECT_THAT(error_of(PinStore::open(directory.path() / "new")), HasSubstr("no bpffs"));
}

TEST(Lock, OneAtATime) {
  const TemporaryDirectory directory;
  for (const auto& path : {directory.path() / "file", directory.path()}) {
    auto first = lock(path);
    ASSERT_TRUE(first) << error_of(first);
    EXPECT_THAT(error_of(lock(path)), HasSubstr("another tcpopt-loader holds"));
    first->reset();
    EXPECT_TRUE(lock(path));
  }
}

TEST(Lock, SaysWhyNot) {
  EXPECT_THAT(error_of(lock("/nonexistent/loader.lock")), HasSubstr("No such file"));
}

}  // namespace
}  // namespace tcpopt
