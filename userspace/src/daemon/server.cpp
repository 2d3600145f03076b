// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "ipc/seqpacket.h"

namespace tcpopt {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMostClients = 256;
// Out of descriptors: the listener stays readable, and asking again at once finds the same.
constexpr auto kUntilAcceptAgain = 100ms;

Result<UniqueFd> signals_to_end() {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
    return fail_errno(errno, "signals");
  }
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    return fail_errno(errno, "signals");
  }
  return fd;
}

std::set<int> readable(std::span<const pollfd> watched) {
  std::set<int> found;
  for (const auto& one : watched) {
    if (one.revents != 0) {
      found.insert(one.fd);
    }
  }
  return found;
}

}  // namespace

Result<Server> Server::create(const std::filesystem::path& socket_path, Handler handler,
                              uid_t allowed) {
  auto signals = signals_to_end();
  if (!signals) {
    return pass(signals);
  }
  auto listener = listen_at(socket_path);
  if (!listener) {
    return pass(listener);
  }
  return Server(std::move(*listener), std::move(*signals), std::move(handler), allowed);
}

Status Server::run() {
  for (;;) {
    std::vector<pollfd> watched;
    watched.push_back({.fd = signals_.get(), .events = POLLIN, .revents = 0});
    const bool accepts = !accept_again_ || *accept_again_ <= Clock::now();
    watched.push_back({.fd = accepts ? listener_.get() : -1, .events = POLLIN, .revents = 0});
    for (const auto& client : clients_) {
      watched.push_back({.fd = client.socket.get(), .events = POLLIN, .revents = 0});
    }
    const auto clients = clients_.size();
    for (const auto* const one : background_) {
      for (const int fd : one->descriptors()) {
        watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      }
    }
    if (poll(watched.data(), watched.size(), patience()) < 0 && errno != EINTR) {
      return fail_errno(errno, "poll");
    }
    if (watched[0].revents != 0) {
      note_signal();
      return {};
    }
    const auto others = std::span<const pollfd>(watched).subspan(2);
    answer_or_drop(others.first(clients));
    if (watched[1].revents != 0) {
      accept_client();
    }
    const auto to_read = readable(others.subspan(clients));
    for (auto* const one : background_) {
      one->work(to_read);
    }
  }
}

int Server::patience() const {
  using std::chrono::milliseconds;
  std::optional<milliseconds> patience;
  for (const auto* const one : background_) {
    if (const auto due = one->due()) {
      const auto left = std::max(std::chrono::ceil<milliseconds>(*due - Clock::now()), 0ms);
      patience = std::min(patience.value_or(left), left);
    }
  }
  if (!clients_.empty() || accept_again_) {
    patience = std::min(patience.value_or(100ms), 100ms);  // to drop the silent ones
  }
  return patience ? static_cast<int>(patience->count()) : -1;
}

void Server::accept_client() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      if (!accept_again_) {
        spdlog::warn("clients have to wait: {}", errno_text(errno));
      }
      accept_again_ = Clock::now() + kUntilAcceptAgain;
    }
    return;
  }
  accept_again_.reset();
  if (clients_.size() >= kMostClients) {
    // The one that has been silent for longest. Who asks at once is never it.
    clients_.pop_front();
  }
  const auto uid = peer_uid(socket.get());
  const bool allowed = uid && *uid == allowed_;
  if (!allowed) {
    spdlog::warn("refusing a client: {}",
                 uid ? fmt::format("its user id is {}", *uid) : uid.error().line());
  }
  // One who is refused is heard too: closing on an unread request would reset
  // the connection and take the answer with it.
  clients_.push_back({std::move(socket), Clock::now() + kPatience, allowed});
}

void Server::note_signal() const {
  signalfd_siginfo info{};
  if (read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    spdlog::info("signal {} from process {}", info.ssi_signo, info.ssi_pid);
  }
}

void Server::answer(const Client& client) const {
  auto message = receive_message(client.socket.get());
  if (!message) {
    spdlog::debug("client: {}", message.error().line());
  }
  const auto reply = [&]() -> Reply {
    if (!message) {
      return pass(message);
    }
    if (!client.allowed) {
      return fail("only root may do this", "run as root");
    }
    auto request = decode_request(message->text);
    if (!request) {
      return pass(request);
    }
    return handler_(*request, std::move(message->passed));
  }();
  auto text = encode(reply);
  if (text.size() > kMaxMessage) {
    text = encode(Reply(
        fail(fmt::format("the answer of {} bytes is longer than {}", text.size(), kMaxMessage))));
  }
  if (auto sent = send_message(client.socket.get(), text); !sent) {
    spdlog::debug("client: {}", sent.error().line());
  }
}

void Server::answer_or_drop(std::span<const pollfd> watched) {
  // Taken before the first answer: a long one must not cost others their turn.
  const auto now = Clock::now();
  auto at = watched.begin();
  std::erase_if(clients_, [&](const Client& client) {
    if ((at++)->revents != 0) {
      answer(client);
      return true;
    }
    return client.deadline < now;
  });
}

}  // namespace tcpopt
