// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <cerrno>

#include "support.h"

namespace tcpopt {
namespace {

Status inner() { return fail("the verifier refuses it", "see check"); }

Status outer() {
  auto status = inner();
  return pass(status, "load");
}

TEST(Error, GrowsContextOnItsWayUpAndKeepsTheCure) {
  auto status = outer();
  EXPECT_EQ(std::move(status.error()).in("attach uto to /x").line(),
            "attach uto to /x: load: the verifier refuses it; see check");
}

TEST(Error, IsOneLineWhateverItIsMadeOf) {
  EXPECT_EQ((Error{"a\nb", "c\n"}.line()), "a\\x0ab; c\\x0a");
  EXPECT_EQ((Error{"a", ""}.line()), "a");
}

TEST(Error, ShowsWhatWouldForgeALineOrMoveACursor) {
  EXPECT_EQ(printable("/cg/x\nwarning: \x1b[2J\x7f\t"), "/cg/x\\x0awarning: \\x1b[2J\\x7f\\x09");
  EXPECT_EQ(printable("/cg/müller"), "/cg/müller");
}

TEST(Error, KnowsWhatLibcDoesNot) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
  EXPECT_EQ(errno_text(-ENOENT), errno_text(ENOENT));
  EXPECT_EQ(errno_text(524), "Not supported by this kernel");
  EXPECT_EQ(errno_text(9999), "errno 9999");
  for (int err = 1; err < 600; ++err) {
    EXPECT_THAT(errno_text(err), testing::Not(testing::HasSubstr("Unknown error")));
  }
}

TEST(Error, TellsLibbpfsOwnCodes) { EXPECT_EQ(errno_text(4001), "BPF object format invalid"); }

TEST(Error, FromErrno) {
  const Status status = fail_errno(EPERM, "open", "be root");
  EXPECT_EQ(error_of(status), "open: Operation not permitted; be root");
}

}  // namespace
}  // namespace tcpopt
