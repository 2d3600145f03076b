// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <vector>

#include "base/unique_fd.h"
#include "daemon/attachments.h"
#include "daemon/reaper.h"
#include "daemon/session_pages.h"
#include "ipc/message.h"
#include "policy/coverage.h"

namespace tcpopt {

/// Turns requests into replies. Attach answers {"warnings": [...]}, Set beside that
/// {"told": {"possible": BOOL, "namespaces": N}}, Cover nothing,
/// List {"attachments": [...], "next": NAME} where "next", if it is there, is
/// what the request for the next page carries in `after`. Each attachment is as
/// Attachments::describe() has it, with "origin": "hand" or "policy". Details the
/// same, of one program if the request names it, with Attachments::details(). Sessions
/// answers a page of SessionPages.
class Service {
 public:
  /// @param state file for what is to hold also for the next daemon
  Service(std::vector<std::filesystem::path> program_directories, Attachments attachments,
          std::filesystem::path state)
      : program_directories_(std::move(program_directories)),
        attachments_(std::move(attachments)),
        reaper_([this](const std::filesystem::path& pins) { return attachments_.is_left(pins); }),
        coverage_(std::move(state),
                  [this](const CoverRule& rule, const Cgroup& cgroup) { cover(rule, cgroup); }) {}
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  Service(Service&&) = delete;
  Service& operator=(Service&&) = delete;
  ~Service() = default;

  [[nodiscard]] Reply handle(const Request& request, UniqueFd passed);

  /// Takes over what a previous daemon left attached, and logs it.
  [[nodiscard]] Status adopt();

  /// What is to be done beside answering.
  [[nodiscard]] Background& reaper() { return reaper_; }
  [[nodiscard]] Background& coverage() { return coverage_; }

 private:
  [[nodiscard]] Reply change(const Request& request, const Cgroup& cgroup);
  [[nodiscard]] Reply attach(const Request& request, const Cgroup& cgroup);
  [[nodiscard]] Reply detach(const Request& request, std::uint64_t cgroup_id);
  [[nodiscard]] Reply list(const Request& request) const;
  [[nodiscard]] Reply cover(const Request& request);
  void cover(const CoverRule& rule, const Cgroup& cgroup);
  void await_removal(const PinStore::Entry& pins, const Cgroup& cgroup);

  std::vector<std::filesystem::path> program_directories_;
  Attachments attachments_;
  Reaper reaper_;
  Coverage coverage_;
  SessionPages sessions_;
};

}  // namespace tcpopt
