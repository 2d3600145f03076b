// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/program_dirs.h"

#include <fstream>

#include "support.h"

namespace tcpopt {
namespace {

class ProgramDirs : public testing::Test {
 protected:
  void touch(const std::filesystem::path& file) {
    std::filesystem::create_directories((top_.path() / file).parent_path());
    std::ofstream(top_.path() / file) << "x";
  }
  [[nodiscard]] std::vector<std::filesystem::path> dirs() const {
    return {top_.path() / "own", top_.path() / "all", top_.path() / "missing"};
  }

  TemporaryDirectory top_;
};

TEST_F(ProgramDirs, TheFirstDirectoryWins) {
  touch("own/uto.bpf.o");
  touch("all/uto.bpf.o");
  const auto found = find_program(dirs(), "uto");
  ASSERT_TRUE(found) << error_of(found);
  EXPECT_EQ(found->path, top_.path() / "own/uto.bpf.o");
}

TEST_F(ProgramDirs, ListsWhatItKnows) {
  touch("all/b.bpf.o");
  touch("own/a.bpf.o");
  touch("own/NotAName.bpf.o");
  touch("own/notes.txt");
  touch("own/dir.bpf.o/x");
  EXPECT_THAT(error_of(find_program(dirs(), "uto")), testing::HasSubstr("known: a, b"));
  EXPECT_THAT(error_of(find_program({top_.path() / "missing"}, "uto")),
              testing::HasSubstr("put uto.bpf.o there"));
}

TEST_F(ProgramDirs, NamesCannotLeaveTheDirectory) {
  touch("uto.bpf.o");
  touch("own/x.bpf.o");
  for (const auto* name : {"../uto", "/etc/passwd", "a/b", "", ".", "..", "_new-1", "-x", "UTO",
                           "a@1", "a.b", "a b", "a\n", "012345678901234567890123456789012"}) {
    EXPECT_FALSE(is_program_name(name)) << name;
    EXPECT_THAT(error_of(find_program(dirs(), name)), testing::HasSubstr("is not a program name"))
        << name;
  }
  EXPECT_FALSE(is_program_name(std::string_view("a\0b", 3)));
  for (const auto* name : {"uto", "0", "a-b_c", "01234567890123456789012345678901"}) {
    EXPECT_TRUE(is_program_name(name)) << name;
  }
}

}  // namespace
}  // namespace tcpopt
