// SPDX-License-Identifier: GPL-2.0-or-later
#include "mptcpstat/capture.h"

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <tuple>
#include <utility>

namespace tcpopt::mptcpstat {

namespace {

constexpr const char* kLinkTypes =
    "Ethernet, raw IP, Linux cooked (v1, v2), BSD loopback and null are understood";
// Seconds that still fit into Time.
constexpr std::int64_t kLatest = std::int64_t{1} << 33;
constexpr int kSnaplen = 65'535;
constexpr int kBufferBytes = 64 << 20;
constexpr int kPollMilliseconds = 100;
constexpr std::chrono::seconds kLastCall{2};

std::atomic<bool> stopped = false;

Time time_of(const pcap_pkthdr& header) {
  const std::int64_t seconds = std::clamp<std::int64_t>(header.ts.tv_sec, 0, kLatest);
  // Nanoseconds, as was asked for on opening.
  const std::int64_t rest = std::clamp<std::int64_t>(header.ts.tv_usec, 0, kSecond - 1);
  return seconds * kSecond + rest;
}

}  // namespace

void Capture::Close::operator()(pcap* handle) const { pcap_close(handle); }

void Capture::stop() { stopped = true; }

Result<Capture> Capture::check(Handle handle, const std::string& name) {
  const int type = pcap_datalink(handle.get());
  if (!knows_link_type(type)) {
    const char* known = pcap_datalink_val_to_name(type);
    return fail(fmt::format("{}: frames of link type {} ({})", name, type,
                            known != nullptr ? known : "unknown"),
                kLinkTypes);
  }
  Capture capture{std::move(handle), name};
  capture.link_type_ = type;
  return capture;
}

Result<Capture> Capture::opened(pcap* raw, std::string_view error, const std::string& name) {
  Handle handle{raw};
  if (!handle) {
    // Some of libpcap's messages begin with the name already.
    return fail(error.starts_with(name) ? std::string{error} : fmt::format("{}: {}", name, error),
                "give a file that tcpdump -w or Wireshark wrote");
  }
  return check(std::move(handle), name);
}

Result<Capture> Capture::open(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  auto* const handle = pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  return opened(handle, error.data(), path == "-" ? "standard input" : path);
}

Result<Capture> Capture::read_from(std::FILE* file, const std::string& name) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  auto* const handle =
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error.data());
  if (handle == nullptr) {
    std::ignore = std::fclose(file);  // NOLINT(cppcoreguidelines-owning-memory): it was ours
  }
  return opened(handle, error.data(), name);
}

Result<Capture> Capture::live(const std::string& interface, std::optional<unsigned> seconds) {
  std::array<char, PCAP_ERRBUF_SIZE> error{};
  Handle handle{pcap_create(interface.c_str(), error.data())};
  if (!handle) {
    return fail(fmt::format("{}: {}", interface, error.data()));
  }
  pcap_set_snaplen(handle.get(), kSnaplen);
  pcap_set_buffer_size(handle.get(), kBufferBytes);
  pcap_set_timeout(handle.get(), kPollMilliseconds);
  pcap_set_tstamp_precision(handle.get(), PCAP_TSTAMP_PRECISION_NANO);
  if (const int status = pcap_activate(handle.get()); status < 0) {
    const char* details = pcap_geterr(handle.get());
    return fail(
        fmt::format("{}: {}", interface, *details != '\0' ? details : pcap_statustostr(status)),
        "needs root or CAP_NET_RAW, and an interface of `ip link`, or any");
  }
  if (pcap_get_tstamp_precision(handle.get()) != PCAP_TSTAMP_PRECISION_NANO) {
    return fail(fmt::format("{}: no timestamps in nanoseconds", interface),
                "capture with tcpdump -w and give the file");
  }
  // Its own timeout does not end a read of an idle interface; ours does.
  if (pcap_setnonblock(handle.get(), 1, error.data()) != 0) {
    return fail(fmt::format("{}: {}", interface, error.data()));
  }
  auto capture = check(std::move(handle), interface);
  if (capture) {
    capture->live_ = true;
    capture->seconds_ = seconds;
    stopped = false;
  }
  return capture;
}

Status Capture::filter(const std::string& expression) {
  bpf_program program{};
  if (pcap_compile(handle_.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return fail(fmt::format("filter '{}': {}", expression, pcap_geterr(handle_.get())),
                "see pcap-filter(7)");
  }
  const int status = pcap_setfilter(handle_.get(), &program);
  pcap_freecode(&program);
  if (status != 0) {
    return fail(fmt::format("filter '{}': {}", expression, pcap_geterr(handle_.get())));
  }
  return {};
}

void Capture::frame(const pcap_pkthdr& header, const std::uint8_t* bytes, const Take& take,
                    CaptureCounts& counts) const {
  Segment segment;
  segment.time = time_of(header);
  counts.first = counts.frames == 0 ? segment.time : std::min(counts.first, segment.time);
  counts.last = std::max(counts.last, segment.time);
  ++counts.frames;
  counts.bytes += header.len;
  switch (dissect(link_type_, Bytes{bytes, header.caplen}, header.len, segment)) {
    case Verdict::Tcp:
      ++counts.tcp;
      take(segment);
      return;
    case Verdict::Other:
      ++counts.other;
      return;
    case Verdict::Fragment:
      ++counts.fragments;
      return;
    case Verdict::Truncated:
      ++counts.truncated;
      return;
    case Verdict::Malformed:
      ++counts.malformed;
      return;
  }
}

CaptureCounts Capture::read(const Take& take) {
  using Clock = std::chrono::steady_clock;
  CaptureCounts counts;
  const auto end = Clock::now() + std::chrono::seconds(seconds_.value_or(0));
  // What came before the end is read, if it does not come faster than that.
  std::optional<Clock::time_point> last_call;
  pcap_pkthdr* header = nullptr;
  const std::uint8_t* bytes = nullptr;
  for (;;) {
    if (live_ && !last_call && (stopped || (seconds_ && Clock::now() >= end))) {
      last_call = Clock::now() + kLastCall;
    }
    if (last_call && Clock::now() >= *last_call) {
      break;
    }
    const int status = pcap_next_ex(handle_.get(), &header, &bytes);
    if (status == 1) {
      frame(*header, bytes, take, counts);
    } else if (status == 0 && live_) {
      pollfd ready{pcap_get_selectable_fd(handle_.get()), POLLIN, 0};
      if (::poll(&ready, 1, last_call ? 2 * kPollMilliseconds : kPollMilliseconds) == 0 &&
          last_call) {
        break;
      }
    } else if (status < 0) {
      if (status == PCAP_ERROR) {
        counts.ended_early = fmt::format("{}: {}", name_, pcap_geterr(handle_.get()));
      }
      break;
    }
  }
  if (pcap_stat stats{}; live_ && pcap_stats(handle_.get(), &stats) == 0) {
    counts.dropped = stats.ps_drop;
  }
  return counts;
}

}  // namespace tcpopt::mptcpstat
