// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/policy_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

namespace tcpopt {

namespace {

// No policy that somebody wrote is longer; a device that never ends is no policy.
constexpr std::size_t kLongest = 4UL << 20;

constexpr std::string_view kEntryExample =
    "an entry is [[attach]] with program = \"uto\", cgroup = \"web.slice\" and, if wanted, "
    "parameters = { advertise = 30 }";

Place place_of(const std::filesystem::path& file, const toml::source_region& region) {
  return {file, region.begin.line};
}

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "a number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    default:
      return "a date or time";
  }
}

/// Reads one file; what is wrong is noted, and the next thing is looked at.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file) {}

  PolicyFile read(const toml::table& document) {
    for (const auto& [key, node] : document) {
      if (key != "attach") {
        note(key.source(), key.str(), "there is no such key", std::string(kEntryExample));
        continue;
      }
      const auto* const entries = node.as_array();
      if (entries == nullptr || (!entries->empty() && !entries->is_array_of_tables())) {
        note(key.source(), key.str(),
             fmt::format("it is {}, not a list of tables", type_name(node)),
             "write [[attach]] with two brackets");
        continue;
      }
      for (const auto& entry : *entries) {
        read_entry(*entry.as_table());
      }
    }
    return std::move(read_);
  }

 private:
  void note(const toml::source_region& region, std::string_view key, std::string_view cause,
            std::string cure) {
    read_.errors.push_back(
        {fmt::format("{}: {}: {}", place_of(file_, region).text(), key, cause), std::move(cure)});
  }

  void note_type(const toml::node& node, std::string_view key, std::string_view wanted) {
    note(node.source(), key, fmt::format("it is {}, not {}", type_name(node), wanted),
         std::string(kEntryExample));
  }

  void read_entry(const toml::table& table) {
    AttachEntry entry;
    entry.place = place_of(file_, table.source());
    const auto errors_before = read_.errors.size();
    for (const auto& [key, node] : table) {
      if (key == "program") {
        take_text(node, key.str(), entry.program, entry.program_place);
      } else if (key == "cgroup") {
        take_text(node, key.str(), entry.cgroup, entry.cgroup_place);
      } else if (key == "parameters") {
        take_parameters(node, entry);
      } else if (key == "force") {
        take_force(node, entry);
      } else {
        note(key.source(), key.str(), "there is no such key in an [[attach]]",
             "it has program, cgroup, parameters and force");
      }
    }
    for (const auto* const key : {"program", "cgroup"}) {
      if (!table.contains(key)) {
        note(table.source(), key, "it is missing from this [[attach]]", std::string(kEntryExample));
      }
    }
    if (read_.errors.size() == errors_before) {
      read_.entries.push_back(std::move(entry));
    }
  }

  void take_text(const toml::node& node, std::string_view key, std::string& to, Place& place) {
    const auto* const text = node.as_string();
    if (text == nullptr) {
      note_type(node, key, "a string");
      return;
    }
    to = text->get();
    place = place_of(file_, node.source());
    if (to.find('\0') != std::string::npos) {
      note(node.source(), key, "it has a character 0", "leave it out");
    }
  }

  void take_force(const toml::node& node, AttachEntry& entry) {
    const auto* const force = node.as_boolean();
    if (force == nullptr) {
      note_type(node, "force", "true or false");
      return;
    }
    entry.force = force->get();
  }

  void take_parameters(const toml::node& node, AttachEntry& entry) {
    const auto* const table = node.as_table();
    if (table == nullptr) {
      note_type(node, "parameters", "a table");
      return;
    }
    for (const auto& [key, value] : *table) {
      auto taken = parameter_value(value, fmt::format("parameters.{}", key.str()));
      if (!taken.is_null()) {
        entry.parameters.emplace(key.str(),
                                 ParameterEntry{std::move(taken), place_of(file_, value.source())});
      }
    }
  }

  /// Null, and noted, if there is no parameter of such a type.
  nlohmann::json parameter_value(const toml::node& node, std::string_view key) {
    if (const auto* const number = node.as_integer()) {
      return number->get();
    }
    if (const auto* const boolean = node.as_boolean()) {
      return boolean->get();
    }
    if (const auto* const text = node.as_string()) {
      return text->get();
    }
    const auto* const elements = node.as_array();
    if (elements == nullptr) {
      note(node.source(), key, fmt::format("it is {}", type_name(node)),
           "a parameter is a whole number, true or false, a string or an array of strings");
      return nullptr;
    }
    auto list = nlohmann::json::array();
    for (const auto& element : *elements) {
      const auto* const text = element.as_string();
      if (text == nullptr) {
        note(element.source(), key,
             fmt::format("element {} is {}, not a string", list.size() + 1, type_name(element)),
             R"(write ["eth0", "wlan0"])");
        return nullptr;
      }
      list.push_back(text->get());
    }
    return list;
  }

  const std::filesystem::path& file_;
  PolicyFile read_;
};

/// Whoever may write a policy may have programs attached to any cgroup. Users may check files
/// of their own.
Status only_roots(int fd, const std::filesystem::path& file) {
  struct stat is {};
  if (::geteuid() != 0 || ::fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) ||
      (is.st_uid == 0 && (is.st_mode & (S_IWGRP | S_IWOTH)) == 0)) {
    return {};
  }
  return fail(fmt::format("{}: others than root may write it (owner {}, mode {:o})", file.string(),
                          is.st_uid, is.st_mode & 07777),
              fmt::format("look what it says; chown root {0} and chmod go-w {0}", file.string()));
}

}  // namespace

std::string Place::text() const {
  return line == 0 ? file.string() : fmt::format("{}:{}", file.string(), line);
}

PolicyFile parse_policy(std::string_view text, const std::filesystem::path& file) {
  // The one library here that throws.
  try {
    return Reader(file).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return {{},
            {Error{fmt::format("{}: not TOML: {}", place_of(file, error.source()).text(),
                               error.description()),
                   "mend that line"}}};
  }
}

PolicyFile read_policy(const std::filesystem::path& file) {
  const auto unreadable = [&file](int err) -> PolicyFile {
    return {{}, {fail_errno(err, file.string(), "give a file that can be read").value()}};
  };
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return unreadable(errno);
  }
  if (auto trusted = only_roots(fd.get(), file); !trusted) {
    return {{}, {std::move(trusted.error())}};
  }
  std::string text(kLongest + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto count = ::read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno != EINTR) {
      return unreadable(errno);
    }
    if (count == 0) {
      break;
    }
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  text.resize(size);
  if (text.size() > kLongest) {
    return {{},
            {Error{fmt::format("{}: it has more than {} bytes", file.string(), kLongest),
                   "split it, or give another"}}};
  }
  return parse_policy(text, file);
}

}  // namespace tcpopt
