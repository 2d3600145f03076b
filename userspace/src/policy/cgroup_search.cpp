// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/cgroup_search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>

#include "base/unique_fd.h"
#include "kernel/directory_tree.h"

namespace tcpopt {

namespace {

class Search {
 public:
  explicit Search(const CgroupPattern& pattern) : pattern_(pattern) {}

  FoundCgroups in(int top) {
    look(top);
    std::sort(found_.paths.begin(), found_.paths.end());
    return std::move(found_);
  }

 private:
  void look(int directory) {
    if (pattern_.matches(names_)) {
      found_.paths.push_back(path());
      return;
    }
    if (!pattern_.may_match_below(names_)) {
      return;
    }
    auto children = child_directories(directory);
    if (!children) {
      note(pass(children, path()));
      return;
    }
    for (auto& name : *children) {
      const auto child = open_directory(directory, name.c_str());
      const int err = errno;
      names_.push_back(std::move(name));
      if (child) {
        look(child.get());
      } else if (err != ENOENT && err != ENODEV && err != ENOTDIR) {
        note(fail_errno(err, path()));
      }
      names_.pop_back();
    }
  }

  [[nodiscard]] std::string path() const { return fmt::format("{}", fmt::join(names_, "/")); }

  void note(Status status) {
    if (found_.complete) {
      found_.complete = std::move(status);
    }
  }

  const CgroupPattern& pattern_;
  std::vector<std::string> names_;
  FoundCgroups found_;
};

}  // namespace

FoundCgroups find_cgroups(const CgroupPattern& pattern, int top) { return Search(pattern).in(top); }

}  // namespace tcpopt
