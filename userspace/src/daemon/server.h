// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/background.h"
#include "ipc/message.h"

namespace tcpopt {

/// Answers requests on a Unix socket, one request a connection, until SIGTERM
/// or SIGINT. A client that says nothing keeps nobody waiting: it is dropped
/// after a while, and sooner where there are very many.
class Server {
 public:
  /// @param passed the cgroup directory that came along, or none
  using Handler = std::function<Reply(const Request&, UniqueFd passed)>;

  /// Listens at @p socket_path and blocks SIGTERM and SIGINT for run(); threads
  /// started later inherit that.
  /// @param allowed the only user who is answered
  static Result<Server> create(const std::filesystem::path& socket_path, Handler handler,
                               uid_t allowed = 0);

  /// Does this, too, in run(). @param background lives longer
  void work_beside(Background& background) { background_.push_back(&background); }

  /// Serves until a signal to end. Errors: the sockets themselves fail.
  Status run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    UniqueFd socket;
    Clock::time_point deadline;
    bool allowed;
  };

  Server(UniqueFd listener, UniqueFd signals, Handler handler, uid_t allowed)
      : listener_(std::move(listener)),
        signals_(std::move(signals)),
        handler_(std::move(handler)),
        allowed_(allowed) {}

  /// How long poll(2) may wait, in ms; -1: for ever.
  [[nodiscard]] int patience() const;
  void accept_client();
  void note_signal() const;
  void answer(const Client& client) const;
  /// @param watched what poll(2) said of each client, in order
  void answer_or_drop(std::span<const pollfd> watched);

  UniqueFd listener_;
  UniqueFd signals_;
  Handler handler_;
  uid_t allowed_;
  std::list<Client> clients_;
  std::optional<Clock::time_point> accept_again_;  ///< not before then; none: at once
  std::vector<Background*> background_;
};

}  // namespace tcpopt
