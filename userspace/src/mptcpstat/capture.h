// SPDX-License-Identifier: GPL-2.0-or-later
// Frames of a capture, or of an interface, by libpcap.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "mptcpstat/segment.h"

struct pcap;
struct pcap_pkthdr;

namespace tcpopt::mptcpstat {

struct CaptureCounts {
  std::uint64_t frames = 0, bytes = 0;  ///< bytes on the wire
  std::uint64_t tcp = 0, other = 0, fragments = 0, truncated = 0, malformed = 0;
  std::uint64_t dropped = 0;  ///< by the kernel, of a live capture
  Time first = 0, last = 0;
  /// Why the rest of the file could not be read.
  std::optional<std::string> ended_early;
};

class Capture {
 public:
  using Take = std::function<void(const Segment&)>;

  /// pcap or pcapng; "-" is the standard input.
  static Result<Capture> open(const std::string& path);
  /// The same of an open file, which is closed in the end; @p name is for messages.
  static Result<Capture> read_from(std::FILE* file, const std::string& name);
  /// Until stop() or, if given, so many seconds.
  static Result<Capture> live(const std::string& interface, std::optional<unsigned> seconds);

  /// Only what matches this expression of pcap-filter(7).
  Status filter(const std::string& expression);
  /// Calls take(segment) for each TCP segment. A file that breaks off is read up to
  /// there, which is no error here: see CaptureCounts::ended_early.
  CaptureCounts read(const Take& take);

  /// Ends a live capture; from a signal handler, or any thread.
  static void stop();

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };
  using Handle = std::unique_ptr<pcap, Close>;

  Capture(Handle handle, std::string name) : handle_(std::move(handle)), name_(std::move(name)) {}
  static Result<Capture> opened(pcap* raw, std::string_view error, const std::string& name);
  static Result<Capture> check(Handle handle, const std::string& name);
  void frame(const pcap_pkthdr& header, const std::uint8_t* bytes, const Take& take,
             CaptureCounts& counts) const;

  Handle handle_;
  std::string name_;
  std::optional<unsigned> seconds_;
  int link_type_ = 0;
  bool live_ = false;
};

}  // namespace tcpopt::mptcpstat
