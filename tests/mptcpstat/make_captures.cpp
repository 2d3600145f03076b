// SPDX-License-Identifier: GPL-2.0-or-later
// Writes captures: `make-captures corpus DIRECTORY`, a file a capture, or
// `make-captures many FRAMES FILE`, for measurements.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "captures.h"

int main(int argc, char** argv) {
  using namespace tcpopt::mptcpstat;
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
    if (auto* file = std::fopen(argv[3], "wb")) {
      wire::write_many(file, std::strtoull(argv[2], nullptr, 10));
      return std::fclose(file) == 0 ? 0 : 1;
    }
    std::perror(argv[3]);
    return 1;
  }
  std::fputs("usage: make-captures corpus DIRECTORY | many FRAMES FILE\n", stderr);
  return 2;
}
