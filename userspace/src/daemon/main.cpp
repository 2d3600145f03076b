// SPDX-License-Identifier: GPL-2.0-or-later
// tcpopt-loader: attaches programs to cgroups for tcpoptctl.
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "base/defaults.h"
#include "base/error.h"
#include "base/log.h"
#include "daemon/address_keeper.h"
#include "daemon/attachments.h"
#include "daemon/lock.h"
#include "daemon/pin_store.h"
#include "daemon/server.h"
#include "daemon/service.h"

namespace {

using namespace tcpopt;

struct Options {
  std::vector<std::filesystem::path> programs{kProgramDirectory};
  std::filesystem::path run_directory{kRunDirectory};
  std::filesystem::path bpffs{kPinDirectory};
  std::string log_level{"info"};
};

Status make_run_directory(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  return code ? Status(fail_errno(code.value(), path.string(), "give another --run-dir"))
              : Status();
}

/// A namespace that is watched, and each process that is, takes descriptors.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    std::ignore = setrlimit(RLIMIT_NOFILE, &limit);
  }
}

Status serve(const Options& options) {
  if (geteuid() != 0) {
    return fail("not permitted to load BPF programs", "run as root");
  }
  if (auto logging = start_logging(options.log_level); !logging) {
    return logging;
  }
  allow_many_descriptors();
  if (auto made = make_run_directory(options.run_directory); !made) {
    return made;
  }
  const auto held = lock(options.run_directory / "loader.lock");
  if (!held) {
    return tl::make_unexpected(held.error());
  }
  auto store = PinStore::open(options.bpffs);
  if (!store) {
    return pass(store);
  }
  AddressKeeper addresses;
  Service service(options.programs, Attachments(std::move(*store), addresses),
                  options.run_directory / "policy.json");
  if (auto adopted = service.adopt(); !adopted) {
    return adopted;
  }
  auto server = Server::create(options.run_directory / kSocketName,
                               [&service](const Request& request, UniqueFd passed) {
                                 return service.handle(request, std::move(passed));
                               });
  if (!server) {
    return pass(server);
  }
  server->work_beside(addresses);
  server->work_beside(service.reaper());
  server->work_beside(service.coverage());
  spdlog::info("ready at {}", (options.run_directory / kSocketName).string());
  sd_notify(0, "READY=1");
  auto ended = server->run();
  sd_notify(0, "STOPPING=1");
  spdlog::info("ending; attachments stay");
  return ended;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Options options;
    CLI::App app{
        "Attaches TCP option programs to cgroups on behalf of tcpoptctl. Stays in the\n"
        "foreground; SIGTERM ends it. What it attached stays attached, also if it is\n"
        "killed, and the next one takes it over."};
    app.set_version_flag("--version", "tcpopt-loader " TCPOPT_VERSION);
    app.add_option("--programs", options.programs,
                   "Directory with NAME.bpf.o files; repeatable, the first that has a name wins")
        ->capture_default_str();
    app.add_option("--run-dir", options.run_directory, "Directory of the socket and the lock")
        ->capture_default_str();
    app.add_option("--bpffs", options.bpffs, "Directory in a bpffs for the pins")
        ->capture_default_str();
    app.add_option("--log-level", options.log_level,
                   "trace, debug, info, warning, error, critical or off")
        ->capture_default_str();
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) {  // --help is one of them
        return app.exit(error);
      }
      fmt::print(stderr, "tcpopt-loader: {}; see tcpopt-loader --help\n", error.what());
      return 2;
    }
    if (const auto done = serve(options); !done) {
      fmt::print(stderr, "tcpopt-loader: {}\n", done.error().line());
      return 1;
    }
    return 0;
  } catch (const std::exception& error) {
    // fmt could be what threw.
    std::ignore = std::fprintf(stderr, "tcpopt-loader: %s\n", error.what());
    return 1;
  }
}
