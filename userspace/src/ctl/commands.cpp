// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/commands.h"

#include <fmt/format.h>

#include <cstdio>
#include <system_error>

#include "bpf/features.h"
#include "bpf/object.h"
#include "ctl/check.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "kernel/cgroup.h"

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

void print_text(std::string_view text) { fmt::print("{}", text); }
void print_json(const nlohmann::json& json) { fmt::print("{}\n", to_text(json, 2)); }

Result<std::vector<Description>> describe_all(const std::vector<fs::path>& directories) {
  std::vector<Description> programs;
  for (const auto& file : all_programs(directories)) {
    auto object = Object::open(file);
    if (!object) {
      return pass(object);
    }
    programs.push_back(object->description());
  }
  return programs;
}

}  // namespace

Status change_attachment(Command command, const CtlOptions& options) {
  Request request{
      .command = command, .name = options.name, .cgroup = {}, .settings = {}, .after = {}};
  auto settings = parse_settings(options.settings);
  if (!settings) {
    return pass(settings);
  }
  request.settings = std::move(*settings);
  std::error_code code;
  if (command == Command::Detach && !fs::exists(options.cgroup, code) && !code) {
    return fail(fmt::format("cgroup {}: it does not exist", options.cgroup.string()),
                "nothing is left to detach: what was attached went with its cgroup");
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
    fmt::print(stderr, "tcpoptctl: warning: {}\n", warning);
  }
  return {};
}

Status list_attachments(const CtlOptions& options) {
  auto all = nlohmann::json::array();
  Request request{.command = Command::List, .name = {}, .cgroup = {}, .settings = {}, .after = {}};
  do {
    auto page = ask(options.run_directory, request);
    if (!page) {
      return pass(page);
    }
    all.insert(all.end(), page->at("attachments").begin(), page->at("attachments").end());
    request.after = page->value("next", "");
  } while (!request.after.empty());
  if (options.json) {
    print_json(all);
  } else {
    print_text(list_text(all));
  }
  return {};
}

Status list_programs(const CtlOptions& options) {
  const auto programs = describe_all(options.programs);
  if (!programs) {
    return tl::make_unexpected(programs.error());
  }
  if (options.json) {
    print_json(programs_json(*programs));
  } else {
    print_text(programs_text(*programs));
  }
  return {};
}

Status check_kernel(const CtlOptions& options) {
  const auto programs = describe_all(options.programs);
  if (!programs) {
    return tl::make_unexpected(programs.error());
  }
  const auto rows = find_out(all_features(), *programs);
  if (options.json) {
    print_json(check_json(rows));
  } else {
    print_text(check_text(rows));
  }
  return verdict(rows);
}

}  // namespace tcpopt
