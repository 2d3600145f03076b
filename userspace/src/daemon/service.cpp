// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>

#include "bpf/program_dirs.h"

namespace tcpopt {

namespace {

// A page of a list is ended at this many bytes; one entry more must still fit
// into a message.
constexpr std::size_t kPageSize = kMaxMessage / 4;
constexpr std::size_t kMaxEntry = kMaxMessage / 2;

std::string title(const Request& request) {
  switch (request.command) {
    case Command::Attach:
      return fmt::format("attach {} to {}", request.name, request.cgroup);
    case Command::Detach:
      return fmt::format(
          "detach {} from {}", request.name,
          request.cgroup_id != 0 ? fmt::format("cgroup id {}", request.cgroup_id) : request.cgroup);
    case Command::Set:
      return fmt::format("set {} on {}", request.name, request.cgroup);
    case Command::Cover:
      return fmt::format("cover {} entries of the policy", request.rules.size());
    case Command::Sessions:
      return "sessions";
    case Command::Details:
      return "status";
    case Command::List:
      break;
  }
  return "list";
}

bool only_looks(Command command) {
  return command == Command::List || command == Command::Sessions || command == Command::Details;
}

Reply reply_of(Result<Attachments::Changed> result) {
  if (!result) {
    return pass(result);
  }
  return nlohmann::json{
      {"warnings", result->warnings},
      {"told", {{"possible", result->told.possible}, {"namespaces", result->told.namespaces}}}};
}

/// Lists in @p entry that make it longer than a message holds are cut; "shortened"
/// says how long they are.
void make_fit(nlohmann::json& entry) {
  constexpr std::size_t kLeft = 16;
  while (to_text(entry).size() > kMaxEntry) {
    nlohmann::json* longest = nullptr;
    std::string name;
    for (const auto& [key, value] : entry["params"].items()) {
      if (value.is_array() && value.size() > kLeft &&
          (longest == nullptr || value.size() > longest->size())) {
        longest = &value;
        name = key;
      }
    }
    if (longest == nullptr) {
      return;
    }
    entry["shortened"][name] = longest->size();
    longest->erase(longest->begin() + kLeft, longest->end());
  }
}

}  // namespace

Reply Service::handle(const Request& request, UniqueFd passed) {
  auto reply = [&]() -> Reply {
    if (request.command == Command::List || request.command == Command::Details) {
      return list(request);
    }
    if (request.command == Command::Sessions) {
      return sessions_.page(request.after);
    }
    if (request.command == Command::Cover) {
      return cover(request);
    }
    if (request.command == Command::Detach && request.cgroup_id != 0) {
      return detach(request, request.cgroup_id);
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
  if (!only_looks(request.command)) {
    spdlog::info("{}: done", title(request));
  }
  return reply;
}

Reply Service::change(const Request& request, const Cgroup& cgroup) {
  switch (request.command) {
    case Command::Set:
      return reply_of(attachments_.set(request.name, cgroup, request.settings));
    case Command::Detach:
      return detach(request, cgroup.id());
    case Command::Attach:
    case Command::List:
    case Command::Cover:
    case Command::Sessions:
    case Command::Details:
      break;
  }
  return attach(request, cgroup);
}

Reply Service::attach(const Request& request, const Cgroup& cgroup) {
  auto program = find_program(program_directories_, request.name);
  if (!program) {
    return pass(program);
  }
  auto reply = reply_of(
      attachments_.attach(*program, cgroup, request.settings, request.force, request.origin));
  if (reply) {
    if (const auto pins = attachments_.pins_of(request.name, cgroup.id())) {
      await_removal(*pins, cgroup);
    }
  }
  return reply;
}

Reply Service::detach(const Request& request, std::uint64_t cgroup_id) {
  const auto pins = attachments_.pins_of(request.name, cgroup_id);
  auto done = attachments_.detach(request.name, cgroup_id);
  if (!done) {
    return pass(done);
  }
  if (pins) {
    reaper_.forget(pins->path);
  }
  return nlohmann::json::object();
}

Reply Service::cover(const Request& request) {
  auto covered = coverage_.cover(request.rules);
  return covered ? Reply(nlohmann::json::object()) : pass(covered);
}

void Service::cover(const CoverRule& rule, const Cgroup& cgroup) {
  if (attachments_.pins_of(rule.name, cgroup.id())) {
    return;
  }
  Request request;
  request.command = Command::Attach;
  request.name = rule.name;
  request.cgroup = cgroup.path().string();
  request.settings = rule.settings;
  // Who owns a cgroup names what is in it: that switches off nobody's programs.
  request.force = rule.force && cgroup.is_owned_by_root();
  request.origin = Origin::Policy;
  const auto attached = attach(request, cgroup);
  if (!attached) {
    spdlog::warn("{}, as the policy wants: {}", title(request), attached.error().line());
    return;
  }
  spdlog::info("{}, as the policy wants: done", title(request));
  for (const auto& warning : attached->value("warnings", std::vector<std::string>{})) {
    spdlog::warn("{}: {}", title(request), warning);
  }
  if (!cgroup.processes().all.empty()) {
    spdlog::warn("{}: processes were in it before; connections that they had made do without",
                 title(request));
  }
}

void Service::await_removal(const PinStore::Entry& pins, const Cgroup& cgroup) {
  if (const auto watched = reaper_.watch(pins.path, cgroup); !watched) {
    spdlog::warn("the end of {} will be noticed by tcpoptctl list only: {}", cgroup.path().string(),
                 watched.error().line());
  }
}

Reply Service::list(const Request& request) const {
  nlohmann::json page{{"attachments", nlohmann::json::array()}};
  std::size_t size = 0;
  const bool in_detail = request.command == Command::Details;
  std::set<std::uint32_t> ours;
  if (in_detail) {
    auto seen = attachments_.each({}, [&ours](const Attachments::Attachment& attachment) {
      ours.insert(attachment.info.prog_id);
      return true;
    });
    if (!seen) {
      return pass(seen);
    }
  }
  auto listed = attachments_.each(request.after, [&](const Attachments::Attachment& attachment) {
    if (!request.name.empty() && attachment.pins.name != request.name) {
      return true;
    }
    if (size > kPageSize) {
      return false;
    }
    auto entry = attachments_.describe(attachment);
    entry["origin"] = to_string(PinStore::origin(attachment.pins));
    if (in_detail) {
      entry.update(attachments_.details(attachment, ours));
    }
    make_fit(entry);
    size += to_text(entry).size();
    page["attachments"].push_back(std::move(entry));
    page["next"] = attachment.pins.path.filename().string();
    return true;
  });
  if (!listed) {
    return pass(listed);
  }
  if (size <= kPageSize) {
    page.erase("next");
  }
  return page;
}

Status Service::adopt() {
  auto adopted_all = attachments_.each({}, [this](const Attachments::Attachment& attachment) {
    spdlog::info("adopted {} on {} (link {})", attachment.pins.name, attachment.cgroup_path,
                 attachment.info.link_id);
    if (auto adopted = attachments_.adopt(attachment); !adopted) {
      spdlog::warn("{} on {}: {}", attachment.pins.name, attachment.cgroup_path,
                   adopted.error().line());
    }
    const auto cgroup = Cgroup::by_id(attachment.info.cgroup_id);
    if (cgroup && *cgroup) {
      await_removal(attachment.pins, **cgroup);
    } else if (attachment.removed) {
      reaper_.await_end(attachment.pins.path);
    }
    return true;
  });
  // After that: what is attached is not attached again.
  if (const auto resumed = coverage_.resume(); !resumed) {
    spdlog::warn("the policy: {}", resumed.error().line());
  }
  return adopted_all;
}

}  // namespace tcpopt
