// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

#include "bpf/features.h"
#include "bpf/object.h"
#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "ctl/render_sessions.h"
#include "ctl/render_status.h"
#include "kernel/cgroup.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

void print_text(std::string_view text) { fmt::print("{}", text); }
void warn(std::string_view text) { fmt::print(stderr, "tcpoptctl: warning: {}\n", text); }
void print_json(const nlohmann::json& json) { fmt::print("{}\n", to_text(json, 2)); }

/// Those that can be read. One that cannot be is not the others' fault.
std::vector<Description> describe_all(const std::vector<fs::path>& directories) {
  std::vector<Description> programs;
  for (const auto& file : all_programs(directories)) {
    const auto object = Object::open(file);
    if (object) {
      programs.push_back(object->description());
    } else {
      warn(fmt::format("left out: {}", object.error().line()));
    }
  }
  return programs;
}

/// What @p request is answered under @p key on all pages together.
Reply all_pages(const CtlOptions& options, Request request, const char* key) {
  auto all = nlohmann::json::array();
  do {
    auto page = ask(options.run_directory, request);
    if (!page) {
      return pass(page);
    }
    all.insert(all.end(), page->at(key).begin(), page->at(key).end());
    for (const auto& warning : page->value("warnings", std::vector<std::string>{})) {
      warn(printable(warning));
    }
    request.after = page->value("next", "");
  } while (!request.after.empty());
  return all;
}

Status show(const CtlOptions& options, const Reply& all,
            std::string (*text)(const nlohmann::json&)) {
  if (!all) {
    return tl::make_unexpected(all.error());
  }
  if (options.json) {
    print_json(*all);
  } else {
    print_text(text(*all));
  }
  return {};
}

}  // namespace

Status change_attachment(Command command, const CtlOptions& options) {
  Request request;
  request.command = command;
  request.name = options.name;
  request.force = options.force;
  auto words = options.settings;
  words.insert(words.end(), options.more_settings.begin(), options.more_settings.end());
  auto settings = parse_settings(words);
  if (!settings) {
    return pass(settings);
  }
  request.settings = std::move(*settings);
  if (options.cgroup_id != 0) {
    request.cgroup_id = options.cgroup_id;
    const auto reply = ask(options.run_directory, request);
    return reply ? Status() : tl::make_unexpected(reply.error());
  }
  std::error_code code;
  if (command == Command::Detach && !fs::exists(options.cgroup, code) && !code) {
    return fail(fmt::format("cgroup {}: it does not exist", options.cgroup.string()),
                "what was attached went with it, unless sockets of it are left: tcpoptctl list "
                "shows that, and detach --cgroup-id ends it");
  }
  auto cgroup = Cgroup::open(options.cgroup);
  if (!cgroup) {
    return pass(cgroup);
  }
  const auto canonical = fs::canonical(options.cgroup, code);
  request.cgroup = (code ? options.cgroup : canonical).string();
  const auto reply = ask(options.run_directory, request, cgroup->fd());
  if (!reply) {
    return tl::make_unexpected(reply.error());
  }
  for (const auto& warning : reply->value("warnings", std::vector<std::string>{})) {
    warn(printable(warning));
  }
  if (command == Command::Set && reply->contains("told")) {
    print_text(told_text(options.name, reply->at("told")));
  }
  return {};
}

Reply attachments_now(const CtlOptions& options) {
  return all_pages(options, Request{}, "attachments");
}

Status list_attachments(const CtlOptions& options) {
  return show(options, attachments_now(options), list_text);
}

Status show_status(const CtlOptions& options) {
  Request request;
  request.command = Command::Details;
  request.name = options.name;
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  Look look{.colors = terminal, .before = {}};
  for (;;) {
    const auto all = all_pages(options, request, "attachments");
    if (!all) {
      return tl::make_unexpected(all.error());
    }
    if (all->empty() && !options.name.empty() && !options.watch) {
      return fail(fmt::format("{} is not attached", options.name), "tcpoptctl list shows what is");
    }
    // The screen anew, from its upper left corner.
    if (options.watch && terminal) {
      print_text("\x1b[H\x1b[J");
    }
    if (!options.json) {
      print_text(status_text(*all, look));
    } else if (options.watch) {
      print_text(to_text(*all) + '\n');
    } else {
      print_json(*all);
    }
    if (!options.watch) {
      return {};
    }
    if (!options.json && !terminal) {
      print_text("\n");
    }
    if (std::fflush(stdout) != 0) {
      return fail("nobody reads what is written");
    }
    look.before = *all;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

Status list_sessions(const CtlOptions& options) {
  Request request;
  request.command = Command::Sessions;
  return show(options, all_pages(options, request, "sessions"), sessions_text);
}

Status list_programs(const CtlOptions& options) {
  const auto programs = describe_all(options.programs);
  if (options.json) {
    print_json(programs_json(programs));
  } else {
    print_text(programs_text(programs));
  }
  return {};
}

Status check_kernel(const CtlOptions& options) {
  const auto programs = describe_all(options.programs);
  const auto rows = find_out(all_features(), programs);
  const auto judged = judge(rows, programs);
  if (options.json) {
    print_json(check_json(rows, judged));
  } else {
    print_text(check_text(rows, judged));
  }
  return verdict(rows, judged);
}

}  // namespace tcpopt
