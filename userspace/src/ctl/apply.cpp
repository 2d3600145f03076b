// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/apply.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"
#include "ctl/client.h"
#include "ctl/plan.h"
#include "kernel/cgroup.h"
#include "policy/cgroup_search.h"
#include "policy/policy.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

void warn(std::string_view text) {
  fmt::print(stderr, "tcpoptctl: warning: {}\n", printable(text));
}

/// Where a policy is written on a machine without cgroups, too.
fs::path mount_or_usual() { return cgroup2_mount().value_or("/sys/fs/cgroup"); }

Result<std::vector<fs::path>> files_of(const CtlOptions& options) {
  return options.files.empty() ? policy_files(options.config)
                               : Result<std::vector<fs::path>>(options.files);
}

void say_that_there_is_none(const CtlOptions& options) {
  fmt::print("no policy: there is no tcpopt.toml and no conf.d/*.toml in {}\n",
             options.config.front().string());
}

/// The cgroups that @p wanted means now.
Status add_targets(const Wanted& wanted, const fs::path& mount, std::vector<Target>& targets) {
  std::vector<std::string> paths{wanted.pattern.text()};
  if (wanted.pattern.has_wildcards()) {
    const UniqueFd top(::open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) {
      return fail_errno(errno, mount.string());
    }
    auto found = find_cgroups(wanted.pattern, top.get());
    if (!found.complete) {
      return pass(found.complete, fmt::format("cgroups below {}", mount.string()));
    }
    paths = std::move(found.paths);
  }
  for (const auto& path : paths) {
    const auto full = path.empty() ? mount : mount / path;
    std::error_code code;
    auto cgroup = Cgroup::open(full);
    if (!cgroup && !fs::exists(full, code) && !code) {
      // It may come, and those of a pattern go.
      if (!wanted.pattern.has_wildcards()) {
        warn(fmt::format("{}: cgroup {} is not there yet", wanted.place.text(), full.string()));
      }
      continue;
    }
    if (!cgroup) {
      return pass(cgroup, fmt::format("{}: cgroup", wanted.place.text()));
    }
    if (auto added = add_target(targets, {full.string(), cgroup->id(), &wanted}); !added) {
      return added;
    }
  }
  return {};
}

Status ask_for(const CtlOptions& options, Command command, const Step& step,
               const Settings& settings) {
  const auto cgroup = Cgroup::by_id(step.cgroup_id);
  if (!cgroup) {
    return tl::make_unexpected(cgroup.error());
  }
  if (!*cgroup) {
    return {};  // removed meanwhile, and with it what was attached
  }
  Request request;
  request.command = command;
  request.name = step.program;
  request.cgroup = step.cgroup;
  request.settings = settings;
  request.force = step.force && command == Command::Attach;
  request.origin = command == Command::Attach ? Origin::Policy : Origin::Hand;
  const auto reply = ask(options.run_directory, request, (*cgroup)->fd());
  if (!reply) {
    return tl::make_unexpected(reply.error());
  }
  for (const auto& warning : reply->value("warnings", std::vector<std::string>{})) {
    warn(fmt::format("{} on {}: {}", step.program, step.cgroup, warning));
  }
  return {};
}

Status do_step(const CtlOptions& options, const Step& step) {
  switch (step.what) {
    case Step::What::Attach:
      return ask_for(options, Command::Attach, step, step.settings);
    case Step::What::Set:
      return ask_for(options, Command::Set, step, step.settings);
    case Step::What::Detach:
      break;
  }
  return ask_for(options, Command::Detach, step, {});
}

/// Whether what @p step is for is so by now, whoever saw to it: its cgroup is gone, the daemon
/// has covered it, somebody has detached it.
bool is_so(const CtlOptions& options, const Step& step) {
  if (const auto cgroup = Cgroup::by_id(step.cgroup_id); cgroup && !*cgroup) {
    return true;
  }
  const auto now = attachments_now(options);
  if (!now || step.what == Step::What::Set) {
    return false;
  }
  const bool is_attached = std::any_of(now->begin(), now->end(), [&step](const auto& attachment) {
    return attachment.at("name") == step.program && attachment.at("cgroup_id") == step.cgroup_id;
  });
  return is_attached == (step.what == Step::What::Attach);
}

Status take_back(const CtlOptions& options, const Step& step) {
  return step.what == Step::What::Attach ? ask_for(options, Command::Detach, step, {})
                                         : ask_for(options, Command::Set, step, step.before);
}

/// All, or as much as can be taken back none. What is to be detached comes last, and what
/// was detached stays so.
Status do_all(const CtlOptions& options, std::span<const Step> steps) {
  for (auto step = steps.begin(); step != steps.end(); ++step) {
    auto done = do_step(options, *step);
    if (done || is_so(options, *step)) {
      continue;
    }
    for (auto back = step; back != steps.begin() && (back - 1)->what != Step::What::Detach;) {
      --back;
      if (const auto undone = take_back(options, *back); !undone) {
        warn(fmt::format("not taken back: {}", undone.error().line()));
      }
    }
    return done;
  }
  return {};
}

/// Has the daemon do the same for cgroups that appear.
Status cover_those_to_come(const CtlOptions& options, const Policy& policy) {
  Request request;
  request.command = Command::Cover;
  for (const auto& wanted : policy.wanted) {
    request.rules.push_back({wanted.program, wanted.cgroup, wanted.settings, wanted.force});
  }
  auto reply = ask(options.run_directory, request);
  return reply ? Status() : pass(reply, "cgroups that appear");
}

}  // namespace

Status check_config(const CtlOptions& options) {
  const auto files = files_of(options);
  if (!files) {
    return tl::make_unexpected(files.error());
  }
  const auto mount = mount_or_usual().string();
  Catalog programs(options.programs);
  Policy policy;
  std::size_t wrong = 0;
  for (const auto& file : *files) {
    const auto entries_before = policy.wanted.size();
    const auto errors_before = policy.errors.size();
    add_to(policy, read_policy(file), programs, mount);
    for (auto at = errors_before; at < policy.errors.size(); ++at) {
      fmt::print("wrong   {}\n", policy.errors[at].line());
    }
    if (policy.errors.size() == errors_before) {
      const auto count = policy.wanted.size() - entries_before;
      fmt::print("right   {}: {} attachment{}\n", printable(file.string()), count,
                 count == 1 ? "" : "s");
    } else {
      ++wrong;
    }
  }
  if (files->empty()) {
    say_that_there_is_none(options);
  }
  return wrong == 0 ? Status()
                    : fail(fmt::format("{} of {} files would not be applied", wrong, files->size()),
                           "see above what is wrong");
}

Status apply_policy(const CtlOptions& options) {
  auto files = files_of(options);
  if (!files) {
    return pass(files);
  }
  if (files->empty()) {
    // Not the same as an empty one, which has all detached: more likely a mistake.
    say_that_there_is_none(options);
    return {};
  }
  const auto mount = mount_or_usual();
  Catalog programs(options.programs);
  Policy policy;
  for (const auto& file : *files) {
    add_to(policy, read_policy(file), programs, mount.string());
  }
  if (!policy.errors.empty()) {
    return tl::make_unexpected(std::move(policy.errors.front()));
  }
  // What is attached first: the daemon covers cgroups that appear meanwhile, and what it
  // covers is not to be taken for something that nobody wants.
  const auto attachments = attachments_now(options);
  if (!attachments) {
    return tl::make_unexpected(attachments.error());
  }
  std::vector<Target> targets;
  for (const auto& wanted : policy.wanted) {
    if (auto added = add_targets(wanted, mount, targets); !added) {
      return added;
    }
  }
  const auto plan = make_plan(targets, *attachments);
  fmt::print("{}", plan_text(plan));
  if (plan.steps.empty()) {
    fmt::print("nothing to do, {} as they should be\n", plan.unchanged);
  }
  std::ignore = std::fflush(stdout);
  if (options.dry_run) {
    return {};
  }
  auto done = do_all(options, plan.steps);
  return done ? cover_those_to_come(options, policy) : done;
}

}  // namespace tcpopt
