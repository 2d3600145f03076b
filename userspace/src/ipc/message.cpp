// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace tcpopt {

namespace {

using nlohmann::json;

// Changes when the two programs no longer understand each other.
constexpr int kProtocol = 1;

constexpr std::array<std::pair<Command, std::string_view>, 7> kCommands{
    std::pair{Command::Attach, "attach"},
    {Command::Detach, "detach"},
    {Command::Set, "set"},
    {Command::List, "list"},
    {Command::Cover, "cover"},
    {Command::Sessions, "sessions"},
    {Command::Details, "status"},
};

tl::unexpected<Error> not_understood(std::string_view why) {
  return fail(fmt::format("message not understood: {}", why),
              "use tcpoptctl and tcpopt-loader of the same release");
}

Origin origin_from(const json& message) {
  const auto text = message.value("origin", std::string(to_string(Origin::Hand)));
  for (const auto origin : {Origin::Hand, Origin::Policy}) {
    if (text == to_string(origin)) {
      return origin;
    }
  }
  throw json::other_error::create(501, fmt::format("no origin '{}'", text), &message);
}

Request request_from(const json& message) {
  Request request;
  const auto command = message.at("command").get<std::string>();
  const auto* const found =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [&](const auto& entry) { return entry.second == command; });
  if (found == kCommands.end()) {
    throw json::other_error::create(501, fmt::format("no command '{}'", command), &message);
  }
  request.command = found->first;
  request.name = message.value("name", "");
  request.cgroup = message.value("cgroup", "");
  request.after = message.value("after", "");
  request.cgroup_id = message.value("cgroup_id", std::uint64_t{0});
  request.force = message.value("force", false);
  request.origin = origin_from(message);
  request.rules = message.value("rules", std::vector<CoverRule>{});
  request.settings = message.value("settings", Settings{});
  return request;
}

}  // namespace

std::string to_text(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string encode(const Request& request) {
  const auto* const command =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [&](const auto& entry) { return entry.first == request.command; });
  json message{{"protocol", kProtocol}, {"command", command->second}};
  if (request.command == Command::List || request.command == Command::Sessions) {
    message["after"] = request.after;
  } else if (request.command == Command::Details) {
    message["after"] = request.after;
    message["name"] = request.name;
  } else if (request.command == Command::Cover) {
    message["rules"] = request.rules;
  } else {
    message["name"] = request.name;
    message["cgroup"] = request.cgroup;
    message["settings"] = request.settings;
  }
  // Only where they mean something: a daemon that does not know them says so.
  if (request.cgroup_id != 0) {
    message["cgroup_id"] = request.cgroup_id;
  }
  if (request.force) {
    message["force"] = true;
  }
  if (request.origin != Origin::Hand) {
    message["origin"] = to_string(request.origin);
  }
  return to_text(message);
}

Result<Request> decode_request(std::string_view text) {
  static const std::set<std::string, std::less<>> fields{
      "protocol", "command",   "name",  "cgroup", "settings",
      "after",    "cgroup_id", "force", "origin", "rules"};
  try {
    const auto message = json::parse(text);
    if (message.at("protocol") != kProtocol) {
      return not_understood("another protocol");
    }
    for (const auto& [field, value] : message.items()) {
      if (!fields.contains(field)) {
        return not_understood(fmt::format("unknown field '{}'", field));
      }
    }
    return request_from(message);
  } catch (const json::exception& error) {
    return not_understood(error.what());
  }
}

std::string encode(const Reply& reply) {
  if (reply) {
    return to_text({{"protocol", kProtocol}, {"result", *reply}});
  }
  return to_text({{"protocol", kProtocol},
                  {"error", {{"cause", reply.error().cause}, {"cure", reply.error().cure}}}});
}

Reply decode_reply(std::string_view text) {
  try {
    auto message = json::parse(text);
    if (message.at("protocol") != kProtocol) {
      return not_understood("another protocol");
    }
    if (message.contains("error")) {
      const auto& error = message["error"];
      return fail(error.at("cause").get<std::string>(), error.at("cure").get<std::string>());
    }
    return std::move(message.at("result"));
  } catch (const json::exception& error) {
    return not_understood(error.what());
  }
}

}  // namespace tcpopt
