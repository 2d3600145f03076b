// SPDX-License-Identifier: GPL-2.0-or-later
#include "bpf/program_dirs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace tcpopt {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".bpf.o";
constexpr std::size_t kLongestName = 32;

bool is_start(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_program_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && is_start(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_start(c) || c == '_' || c == '-'; });
}

Result<ProgramFile> find_program(const std::vector<fs::path>& directories,
                                 const std::string& name) {
  if (!is_program_name(name)) {
    return fail(fmt::format("'{}' is not a program name", name),
                "use lower-case letters, digits, '_' and '-', at most 32");
  }
  std::vector<std::string> known;
  for (const auto& program : all_programs(directories)) {
    if (program.name == name) {
      return program;
    }
    known.push_back(program.name);
  }
  std::vector<std::string> places;
  std::transform(directories.begin(), directories.end(), std::back_inserter(places),
                 [](const fs::path& directory) { return directory.string(); });
  return fail(fmt::format("no program '{}' in {}", name, fmt::join(places, ", ")),
              known.empty() ? fmt::format("put {}{} there", name, kSuffix)
                            : fmt::format("known: {}", fmt::join(known, ", ")));
}

std::vector<ProgramFile> all_programs(const std::vector<fs::path>& directories) {
  std::map<std::string, fs::path> found;
  for (const auto& directory : directories) {
    std::error_code code;
    for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code)) {
      const auto file = at->path().filename().string();
      std::error_code vanished;
      if (!file.ends_with(kSuffix) || !at->is_regular_file(vanished)) {
        continue;
      }
      const auto name = file.substr(0, file.size() - kSuffix.size());
      if (is_program_name(name)) {
        found.emplace(name, at->path());
      }
    }
  }
  std::vector<ProgramFile> programs;
  programs.reserve(found.size());
  for (auto& [name, path] : found) {
    programs.push_back({name, std::move(path)});
  }
  return programs;
}

}  // namespace tcpopt
