// SPDX-License-Identifier: GPL-2.0-or-later
// Writes captures: `make-captures corpus DIRECTORY`, a file a capture, or
// `make-captures many FRAMES FILE`, for measurements.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "captures.h"

int main(int argc, char** argv) {
  using namespace tcpopt::mptcpstat;
  try {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "corpus" && argc == 3) {
      const std::filesystem::path directory{argv[2]};
      std::filesystem::create_directories(directory);
      for (const auto& [name, bytes] : wire::captures()) {
        std::ofstream file{directory / (name + ".pcap"), std::ios::binary};
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
      }
      return 0;
    }
    if (what == "many" && argc == 4) {
      std::ofstream file{argv[3], std::ios::binary};
      wire::write_many(file, std::stoull(argv[2]));
      file.close();
      return file ? 0 : 1;
    }
    fmt::print(stderr, "usage: make-captures corpus DIRECTORY | many FRAMES FILE\n");
    return 2;
  } catch (const std::exception& error) {
    std::ignore = std::fprintf(stderr, "make-captures: %s\n", error.what());
    return 1;
  }
}
