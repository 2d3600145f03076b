// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/seqpacket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <vector>

#include "ipc/message.h"

namespace tcpopt {

namespace {

constexpr int kBacklog = SOMAXCONN;
constexpr std::size_t kMostPassed = 4;

// Room for a control message with a few descriptors, more than are allowed, so
// that those too many arrive and can be closed.
struct alignas(cmsghdr) Control {
  std::array<char, CMSG_SPACE(sizeof(int) * kMostPassed)> bytes{};
};

tl::expected<sockaddr_un, int> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& text = path.native();
  if (text.size() >= sizeof(address.sun_path)) {
    return tl::make_unexpected(ENAMETOOLONG);
  }
  std::memcpy(static_cast<char*>(address.sun_path), text.data(), text.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

std::vector<UniqueFd> take_passed(msghdr& header) {
  std::vector<UniqueFd> passed;
  for (auto* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      passed.emplace_back(fd);
    }
  }
  return passed;
}

}  // namespace

Result<UniqueFd> listen_at(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) {
    return fail_errno(address.error(), path.string(), "give a shorter --run-dir");
  }
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    return fail_errno(errno, "socket");
  }
  // The mode of the descriptor becomes that of the file: it is never open to others.
  if (fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0) {
    return fail_errno(errno, "socket");
  }
  ::unlink(path.c_str());
  if (bind(socket.get(), generic(*address), sizeof(*address)) != 0 ||
      listen(socket.get(), kBacklog) != 0) {
    return fail_errno(errno, path.string());
  }
  return socket;
}

tl::expected<UniqueFd, int> connect_to(const std::filesystem::path& path,
                                       std::chrono::seconds patience) {
  const auto address = address_of(path);
  if (!address) {
    return tl::make_unexpected(address.error());
  }
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const timeval timeout{.tv_sec = patience.count(), .tv_usec = 0};
  if (!socket ||
      setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
      connect(socket.get(), generic(*address), sizeof(*address)) != 0) {
    return tl::make_unexpected(errno);
  }
  return socket;
}

Status send_message(int socket, std::string_view text, int passed) {
  if (text.size() > kMaxMessage) {
    return fail(fmt::format("message of {} bytes is too long", text.size()));
  }
  // sendmsg(2) does not write to it; its interface has no const.
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  Control control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (passed >= 0) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int));
    auto* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &passed, sizeof(int));
  }
  if (sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    return fail_errno(errno, "send");
  }
  return {};
}

Result<Message> receive_message(int socket) {
  Message message;
  message.text.resize(kMaxMessage);
  iovec part{.iov_base = message.text.data(), .iov_len = message.text.size()};
  Control control;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do {
    size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    return errno == EAGAIN ? fail("no answer in time") : fail_errno(errno, "receive");
  }
  auto passed = take_passed(header);
  if (size == 0) {
    return fail("the other side hung up");
  }
  if ((header.msg_flags & MSG_TRUNC) != 0) {
    return fail(fmt::format("message is longer than {} bytes", kMaxMessage));
  }
  if (passed.size() > 1 || (header.msg_flags & MSG_CTRUNC) != 0) {
    return fail("message with more than one descriptor");
  }
  message.text.resize(static_cast<std::size_t>(size));
  if (!passed.empty()) {
    message.passed = std::move(passed.front());
  }
  return message;
}

Result<uid_t> peer_uid(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno(errno, "peer");
  }
  return peer.uid;
}

}  // namespace tcpopt
