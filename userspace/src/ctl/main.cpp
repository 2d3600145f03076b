// SPDX-License-Identifier: GPL-2.0-or-later
// tcpoptctl: the command line of tcpopt.
#include <CLI/CLI.hpp>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <tuple>

#include "ctl/apply.h"
#include "ctl/commands.h"

namespace {

using namespace tcpopt;

using Action = std::function<Status(const CtlOptions&)>;

CLI::App* add_command(CLI::App& app, const char* name, const char* help, Action& chosen,
                      const Action& action) {
  auto* command = app.add_subcommand(name, help);
  command->fallthrough();
  command->callback([&chosen, action] { chosen = action; });
  return command;
}

void add_target(CLI::App& command, CtlOptions& options) {
  command.add_option("NAME", options.name, "Program, see tcpoptctl programs")->required();
  command.add_option("--cgroup", options.cgroup, "Directory of the cgroup (v2)")->required();
}

Action changes(Command command) {
  return [command](const CtlOptions& options) { return change_attachment(command, options); };
}

void declare_policy(CLI::App& app, CtlOptions& options, Action& chosen) {
  auto* config = app.add_subcommand("config", "Look at the policy");
  config->require_subcommand(1);
  config->fallthrough();
  add_command(*config, "check", "Say what is wrong with it; needs no daemon", chosen, check_config)
      ->add_option("FILE", options.files, "Other files than those of the policy");

  auto* apply = add_command(app, "apply", "Attach, change and detach what differs from the policy",
                            chosen, apply_policy);
  apply->add_option("FILE", options.files, "Another file as the whole policy")->expected(0, 1);
  apply->add_flag("--dry-run", options.dry_run, "Show what would be done, and leave it");
}

void declare(CLI::App& app, CtlOptions& options, Action& chosen) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "tcpoptctl " TCPOPT_VERSION);
  app.add_option("--run-dir", options.run_directory, "Directory of the daemon's socket")
      ->capture_default_str();
  app.add_option(
         "--programs", options.programs,
         "Directory with NAME.bpf.o files for check, programs, config and apply; repeatable")
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_option("--config", options.config,
                 "Directory with tcpopt.toml and conf.d/*.toml for config and apply; repeatable, "
                 "the first that has a file counts")
      ->allow_extra_args(false)
      ->capture_default_str();

  auto* attach =
      add_command(app, "attach", "Attach a program to a cgroup", chosen, changes(Command::Attach));
  add_target(*attach, options);
  attach->add_option("KEY=VALUE", options.settings, "Parameters, as of set");
  attach->add_option("--set", options.more_settings, "The same; repeatable")
      ->allow_extra_args(false);
  attach->add_flag("--force", options.force,
                   "Though that switches off a program which a cgroup above shares until another "
                   "one is attached (BPF_F_ALLOW_OVERRIDE)");

  auto* detach = add_command(app, "detach", "Detach a program from a cgroup", chosen,
                             changes(Command::Detach));
  detach->add_option("NAME", options.name, "Program, see tcpoptctl list")->required();
  auto* where = detach->add_option_group("where");
  where->add_option("--cgroup", options.cgroup, "Directory of the cgroup (v2)");
  where->add_option("--cgroup-id", options.cgroup_id,
                    "Id of a cgroup that was removed while sockets of it live, see tcpoptctl list");
  where->require_option(1);

  auto* set = add_command(app, "set", "Change parameters of an attached program", chosen,
                          changes(Command::Set));
  add_target(*set, options);
  set->add_option("KEY=VALUE", options.settings, "What to change; all or nothing")->required();

  declare_policy(app, options, chosen);

  auto* status = add_command(app, "status", "Show all of what is attached, with its counters",
                             chosen, show_status);
  status->add_option("NAME", options.name, "That program alone");
  status->add_flag("--watch", options.watch, "Again each second, with what was added");

  for (auto* command :
       {status, add_command(app, "list", "Show what is attached where", chosen, list_attachments),
        add_command(app, "sessions", "Show the MPTCP sessions of this host and their subflows",
                    chosen, list_sessions),
        add_command(app, "programs", "Show programs and their parameters", chosen, list_programs),
        add_command(app, "check", "Show what this kernel offers and lacks; needs no daemon", chosen,
                    check_kernel)}) {
    command->add_flag("--json", options.json, "JSON instead of text");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    libbpf_set_print(nullptr);
    CtlOptions options;
    Action chosen;
    CLI::App app{"Attaches TCP option programs to cgroups, through tcpopt-loader."};
    app.footer(
        "Example:\n"
        "  tcpoptctl attach uto --cgroup /sys/fs/cgroup/web advertise=30\n"
        "  tcpoptctl set uto --cgroup /sys/fs/cgroup/web advertise=60\n"
        "  tcpoptctl apply --dry-run\n"
        "set says whose live connections it told. Connections older than an attachment do\n"
        "without the program.\n"
        "Exit status: 0 done, 1 not done (one line on stderr says why), 2 wrong usage.");
    declare(app, options, chosen);
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {  // --help is one of them
        return app.exit(error);
      }
      const auto unknown = app.remaining();
      if (app.get_subcommands().empty() && !unknown.empty()) {
        fmt::print(stderr, "tcpoptctl: there is no command or option '{}'; see tcpoptctl --help\n",
                   printable(unknown.front()));
      } else {
        fmt::print(stderr, "tcpoptctl: {}; see tcpoptctl --help\n", error.what());
      }
      return 2;
    }
    if (const auto done = chosen(options); !done) {
      std::ignore = std::fflush(stdout);
      fmt::print(stderr, "tcpoptctl: {}\n", done.error().line());
      return 1;
    }
    return 0;
  } catch (const std::exception& error) {
    // fmt could be what threw.
    std::ignore = std::fprintf(stderr, "tcpoptctl: %s\n", error.what());
    return 1;
  }
}
