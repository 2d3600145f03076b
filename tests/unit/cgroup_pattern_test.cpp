// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/cgroup_pattern.h"

#include <fcntl.h>

#include <sstream>

#include "base/unique_fd.h"
#include "policy/cgroup_search.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  std::istringstream parts(path);
  for (std::string name; std::getline(parts, name, '/');) {
    names.push_back(name);
  }
  return names;
}

Result<CgroupPattern> parse(std::string_view text) {
  return CgroupPattern::parse(text, "/sys/fs/cgroup");
}

bool matches(std::string_view text, const std::string& path) {
  return parse(text)->matches(names_of(path));
}

TEST(CgroupPattern, PathsAreRelativeToTheMountOrBeginWithIt) {
  for (const auto* text : {"web.slice/a", "/sys/fs/cgroup/web.slice/a", "web.slice//a/"}) {
    const auto pattern = parse(text);
    ASSERT_TRUE(pattern) << error_of(pattern);
    EXPECT_EQ(pattern->text(), "web.slice/a") << text;
    EXPECT_FALSE(pattern->has_wildcards());
    EXPECT_TRUE(pattern->matches({"web.slice", "a"}));
    EXPECT_FALSE(pattern->matches({"web.slice"}));
  }
  EXPECT_EQ(parse("/sys/fs/cgroup")->text(), "");
  EXPECT_TRUE(parse("/sys/fs/cgroup/")->matches({}));
}

TEST(CgroupPattern, WildcardsStayWithinAName) {
  EXPECT_TRUE(matches("a/docker-*.scope", "a/docker-1.scope"));
  EXPECT_FALSE(matches("a/docker-*.scope", "b/docker-1.scope"));
  EXPECT_FALSE(matches("a/*", "a/b/c"));
  EXPECT_FALSE(matches("a/*", "a"));
  EXPECT_TRUE(matches("a/[!b]?", "a/cx"));
  EXPECT_FALSE(matches("a/[!b]?", "a/bx"));
  EXPECT_TRUE(matches("a\\x2db.slice", "a\\x2db.slice")) << "as systemd writes names";
}

TEST(CgroupPattern, ANameWithWildcardsIsOneAtAnyDepth) {
  for (const auto* path : {"docker-1.scope", "system.slice/docker-1.scope", "a/b/docker-1.scope"}) {
    EXPECT_TRUE(matches("docker-*.scope", path)) << path;
  }
  EXPECT_FALSE(matches("docker-*.scope", "docker-1.scope/init"));
  EXPECT_FALSE(matches("/sys/fs/cgroup/docker-*.scope", "a/docker-1.scope"));
}

TEST(CgroupPattern, TwoStarsAreAnyNumberOfNames) {
  EXPECT_TRUE(matches("kubepods.slice/**", "kubepods.slice/a"));
  EXPECT_TRUE(matches("kubepods.slice/**", "kubepods.slice/a/b/c"));
  EXPECT_FALSE(matches("kubepods.slice/**", "kubepods.slice"));
  EXPECT_TRUE(matches("k/**/cri-*", "k/cri-1"));
  EXPECT_TRUE(matches("k/**/cri-*", "k/a/b/cri-1"));
  EXPECT_FALSE(matches("k/**/cri-*", "k/a/b"));
}

TEST(CgroupPattern, SaysWhatItIsNot) {
  for (const auto& [text, why] : {std::pair{"", "it is empty"},
                                  {"/etc", "'/etc' is not below /sys/fs/cgroup"},
                                  {"/sys/fs/cgroupx", "is not below"},
                                  {"a/../b", "'..' is no name"},
                                  {"./a", "'.' is no name"},
                                  {"a/b**", "'**' in 'b**'"},
                                  {"a[b", "a bracket of 'a[b' is not closed"},
                                  {"a[]", "is not closed"},
                                  {"a[!]", "is not closed"}}) {
    EXPECT_THAT(error_of(parse(text)), HasSubstr(why)) << text;
    EXPECT_THAT(error_of(parse(text)), HasSubstr("; ")) << "a cure";
  }
  EXPECT_TRUE(parse("a[]]"));
  EXPECT_TRUE(parse("a[!]]"));
}

class CgroupSearch : public testing::Test {
 protected:
  CgroupSearch() {
    for (const auto* path : {"k/pod1/c1", "k/pod1/c2", "k/pod2", "s/docker-1.scope/init",
                             "s/docker-2.scope", "docker-3.scope", "other/x"}) {
      std::filesystem::create_directories(top_.path() / path);
    }
  }
  [[nodiscard]] std::vector<std::string> find(std::string_view text) const {
    const UniqueFd top(::open(top_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto found = find_cgroups(*parse(text), top.get());
    EXPECT_TRUE(found.complete) << error_of(found.complete);
    return found.paths;
  }
  TemporaryDirectory top_;
};

TEST_F(CgroupSearch, FindsTheUpperOnes) {
  EXPECT_THAT(find("k/**"), ElementsAre("k/pod1", "k/pod2"));
  EXPECT_THAT(find("k/*/c*"), ElementsAre("k/pod1/c1", "k/pod1/c2"));
  EXPECT_THAT(find("docker-*.scope"),
              ElementsAre("docker-3.scope", "s/docker-1.scope", "s/docker-2.scope"));
  EXPECT_THAT(find("/sys/fs/cgroup/[!k]*"), ElementsAre("docker-3.scope", "other", "s"));
  EXPECT_THAT(find("nowhere/*"), IsEmpty());
}

TEST_F(CgroupSearch, DoesNotFollowLinks) {
  std::filesystem::create_directory_symlink(top_.path() / "k", top_.path() / "other/link");
  EXPECT_THAT(find("other/*"), ElementsAre("other/x"));
}

}  // namespace
}  // namespace tcpopt
