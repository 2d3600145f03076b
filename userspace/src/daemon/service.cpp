// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "bpf/program_dirs.h"

namespace tcpopt {

namespace {

// A page of a list is ended at this many bytes; one entry more must still fit
// into a message.
constexpr std::size_t kPageSize = kMaxMessage / 4;

std::string title(const Request& request) {
  switch (request.command) {
    case Command::Attach:
      return fmt::format("attach {} to {}", request.name, request.cgroup);
    case Command::Detach:
      return fmt::format("detach {} from {}", request.name, request.cgroup);
    case Command::Set:
      return fmt::format("set {} on {}", request.name, request.cgroup);
    case Command::List:
      break;
  }
  return "list";
}

Reply with_warnings(Result<Attachments::Warnings> result) {
  if (!result) {
    return pass(result);
  }
  return nlohmann::json{{"warnings", *result}};
}

}  // namespace

Reply Service::handle(const Request& request, UniqueFd passed) const {
  auto reply = [&]() -> Reply {
    if (request.command == Command::List) {
      return list(request);
    }
    if (!passed) {
      return fail("no cgroup came with the request");
    }
    auto cgroup = Cgroup::from_fd(std::move(passed), request.cgroup);
    if (!cgroup) {
      return pass(cgroup);
    }
    return change(request, *cgroup);
  }();
  if (!reply) {
    spdlog::info("{}: {}", title(request), reply.error().line());
    return pass(reply, title(request));
  }
  if (request.command != Command::List) {
    spdlog::info("{}: done", title(request));
  }
  return reply;
}

Reply Service::change(const Request& request, const Cgroup& cgroup) const {
  if (request.command == Command::Set) {
    return with_warnings(attachments_.set(request.name, cgroup, request.settings));
  }
  if (request.command == Command::Detach) {
    auto done = attachments_.detach(request.name, cgroup);
    return done ? Reply(nlohmann::json::object()) : pass(done);
  }
  auto program = find_program(program_directories_, request.name);
  if (!program) {
    return pass(program);
  }
  return with_warnings(attachments_.attach(*program, cgroup, request.settings));
}

Reply Service::list(const Request& request) const {
  auto attachments = attachments_.all();
  if (!attachments) {
    return pass(attachments);
  }
  nlohmann::json page{{"attachments", nlohmann::json::array()}};
  std::size_t size = 0;
  for (const auto& attachment : *attachments) {
    const auto key = attachment.pins.path.filename().string();
    if (key <= request.after) {
      continue;
    }
    if (size > kPageSize) {
      break;
    }
    auto entry = attachments_.describe(attachment);
    size += to_text(entry).size();
    page["attachments"].push_back(std::move(entry));
    page["next"] = key;
  }
  if (size <= kPageSize) {
    page.erase("next");
  }
  return page;
}

Status Service::adopt() const {
  auto attachments = attachments_.all();
  if (!attachments) {
    return pass(attachments);
  }
  for (const auto& attachment : *attachments) {
    spdlog::info("adopted {} on {} (link {})", attachment.pins.name, attachment.cgroup_path,
                 attachment.info.link_id);
    if (auto adopted = attachments_.adopt(attachment); !adopted) {
      spdlog::warn("{} on {}: {}", attachment.pins.name, attachment.cgroup_path,
                   adopted.error().line());
    }
  }
  return {};
}

}  // namespace tcpopt
