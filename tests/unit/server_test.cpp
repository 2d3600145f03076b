// SPDX-License-Identifier: GPL-2.0-or-later
// A server and its clients over a real socket, without BPF behind it.
#include "daemon/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <future>
#include <thread>

#include "base/defaults.h"
#include "ctl/client.h"
#include "ipc/seqpacket.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class ServerTest : public testing::Test {
 protected:
  void TearDown() override { stop(); }

  /// Echoes the name, and says whether a descriptor came along.
  void start(uid_t allowed = geteuid(), Background* background = nullptr) {
    auto server = Server::create(
        socket_path(),
        [](const Request& request, const UniqueFd& passed) -> Reply {
          if (request.name == "long") {
            return nlohmann::json{{"text", std::string(kMaxMessage, 'x')}};
          }
          if (request.name == "bad") {
            return fail("bad name", "take another");
          }
          return nlohmann::json{{"name", request.name}, {"passed", static_cast<bool>(passed)}};
        },
        allowed);
    ASSERT_TRUE(server) << error_of(server);
    if (background != nullptr) {
      server->work_beside(*background);
    }
    thread_ =
        std::thread([this, server = std::move(*server)]() mutable { result_ = server.run(); });
  }

  void stop() {
    if (thread_.joinable()) {
      kill(getpid(), SIGTERM);  // blocked in all threads, read by the server
      thread_.join();
      EXPECT_TRUE(result_) << error_of(result_);
    }
  }

  [[nodiscard]] std::filesystem::path socket_path() const {
    return directory_.path() / kSocketName;
  }
  [[nodiscard]] UniqueFd connection() const {
    auto socket = connect_to(socket_path(), 10s);
    EXPECT_TRUE(socket) << socket.error();
    return socket ? std::move(*socket) : UniqueFd();
  }
  [[nodiscard]] Reply ask_for(const std::string& name, int fd = -1) const {
    return ask(directory_.path(), Request{Command::Set, name, "/c", {}, ""}, fd);
  }
  /// What the server answers to @p text.
  [[nodiscard]] std::string answer_to(const std::string& text) const {
    const auto socket = connection();
    // Longer than send_message() allows, so by hand.
    EXPECT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    const auto message = receive_message(socket.get());
    return message ? error_of(decode_reply(message->text)) : error_of(message);
  }

  TemporaryDirectory directory_;
  std::thread thread_;
  Status result_;
};

TEST_F(ServerTest, AnswersWithDescriptorAndWithout) {
  start();
  EXPECT_EQ(*ask_for("uto"), (nlohmann::json{{"name", "uto"}, {"passed", false}}));
  EXPECT_EQ(*ask_for("uto", STDERR_FILENO), (nlohmann::json{{"name", "uto"}, {"passed", true}}));
  EXPECT_EQ(error_of(ask_for("bad")), "bad name; take another");
}

TEST_F(ServerTest, TheSocketIsForItsOwnerOnly) {
  start();
  struct stat status {};
  ASSERT_EQ(stat(socket_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(ServerTest, RefusesOtherUsers) {
  start(geteuid() + 1);
  EXPECT_EQ(error_of(ask_for("uto")), "only root may do this; run as root");
}

TEST_F(ServerTest, SurvivesGarbage) {
  start();
  EXPECT_THAT(answer_to("{"), HasSubstr("not understood"));
  EXPECT_THAT(answer_to(std::string(100, '\0')), HasSubstr("not understood"));
  EXPECT_THAT(answer_to(std::string(kMaxMessage + 1, ' ')), HasSubstr("longer than 131072 bytes"));
  EXPECT_TRUE(ask_for("uto"));
}

TEST_F(ServerTest, ASilentClientKeepsNobodyWaiting) {
  start();
  const auto silent = connection();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(ask_for("uto"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1500ms);  // less than its patience
  // Dropped in the end: without an answer, end of file.
  EXPECT_EQ(error_of(receive_message(silent.get())), "the other side hung up");
}

TEST_F(ServerTest, ManySilentClientsKeepNobodyWaiting) {
  start();
  std::vector<UniqueFd> silent(300);
  for (UniqueFd& client : silent) {
    client = connection();
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(ask_for("uto"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1500ms);  // less than its patience
}

/// Does nothing, and counts how often.
class Counting final : public Background {
 public:
  [[nodiscard]] std::vector<int> descriptors() const override { return {}; }
  [[nodiscard]] std::optional<Clock::time_point> due() const override { return std::nullopt; }
  void work(const std::set<int>& /*readable*/) override { ++count_; }
  [[nodiscard]] int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
};

TEST_F(ServerTest, WithoutDescriptorsItWaitsForSome) {
  Counting rounds;
  start(geteuid(), &rounds);
  EXPECT_TRUE(ask_for("uto"));
  auto client = connection();  // that of the test, which the server has to accept
  std::vector<UniqueFd> taken;
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
  auto waiting = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  // All are taken: the server cannot have another.
  const UniqueFd next(::dup(STDERR_FILENO));
  const rlimit few{static_cast<rlim_t>(next.get()) + 1, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  for (int fd = 0; fd >= 0;) {
    fd = ::dup(STDERR_FILENO);
    taken.emplace_back(fd);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(static_cast<char*>(address.sun_path), socket_path().c_str());
  ASSERT_EQ(connect(waiting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  const int before = rounds.count();
  std::this_thread::sleep_for(500ms);
  const int after = rounds.count();
  taken.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_LT(after - before, 50) << "rounds in half a second";
  EXPECT_TRUE(send_message(waiting.get(), encode(Request{Command::Set, "uto", "/c", {}, ""})));
  EXPECT_TRUE(receive_message(waiting.get()));
}

TEST_F(ServerTest, AnAnswerThatIsTooLongIsAnError) {
  start();
  EXPECT_THAT(error_of(ask_for("long")), HasSubstr("is longer than 131072"));
}

TEST_F(ServerTest, AClientThatLeavesOrDoesNotReadHurtsNobody) {
  start();
  connection().reset();
  const auto request = encode(Request{Command::Set, "uto", "/c", {}, ""});
  for (int i = 0; i < 40; ++i) {
    const auto socket = connection();
    EXPECT_TRUE(send_message(socket.get(), request));
  }
  EXPECT_TRUE(ask_for("uto"));
}

/// Reads a byte from a pipe, then waits for a time to come, then says so.
class TwoSteps final : public Background {
 public:
  explicit TwoSteps(int fd) : fd_(fd) {}
  [[nodiscard]] std::vector<int> descriptors() const override {
    return due_ ? std::vector<int>() : std::vector{fd_};
  }
  [[nodiscard]] std::optional<Clock::time_point> due() const override { return due_; }
  void work(const std::set<int>& readable) override {
    char byte = 0;
    if (readable.contains(fd_) && read(fd_, &byte, 1) == 1) {
      due_ = Clock::now() + 30ms;
    } else if (due_ && *due_ <= Clock::now()) {
      due_.reset();
      done_.set_value();
    }
  }
  std::future<void> done() { return done_.get_future(); }

 private:
  int fd_;
  std::optional<Clock::time_point> due_;
  std::promise<void> done_;
};

TEST_F(ServerTest, WorksBesideItsClients) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  TwoSteps background(read_end.get());
  auto done = background.done();
  start(geteuid(), &background);
  EXPECT_TRUE(ask_for("uto"));
  EXPECT_EQ(done.wait_for(0s), std::future_status::timeout);
  ASSERT_EQ(write(write_end.get(), "x", 1), 1);
  EXPECT_EQ(done.wait_for(30s), std::future_status::ready);
  EXPECT_TRUE(ask_for("uto"));
  stop();  // before what it works on
}

TEST_F(ServerTest, MoreDescriptorsThanOneAreRefusedAndClosed) {
  start();
  const auto socket = connection();
  struct {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> bytes{};
  } control;
  std::array<char, 2> text{"x"};
  iovec part{.iov_base = text.data(), .iov_len = 1};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  auto* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(2 * sizeof(int));
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const std::array<int, 2> passed{write_end.get(), write_end.get()};
  std::memcpy(CMSG_DATA(rights), passed.data(), sizeof(passed));
  ASSERT_EQ(sendmsg(socket.get(), &header, MSG_NOSIGNAL), 1);
  const auto message = receive_message(socket.get());
  ASSERT_TRUE(message) << error_of(message);
  EXPECT_THAT(error_of(decode_reply(message->text)), HasSubstr("more than one descriptor"));
  // End of file comes when the server has closed both of its copies.
  write_end.reset();
  char byte = 0;
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST_F(ServerTest, NoDaemonSaysHowToStartOne) {
  EXPECT_THAT(error_of(ask_for("uto")), HasSubstr("no daemon at"));
  EXPECT_THAT(error_of(ask_for("uto")), HasSubstr("start tcpopt-loader"));
  start();
  stop();  // leaves its socket behind
  EXPECT_THAT(error_of(ask_for("uto")), HasSubstr("no daemon at"));
  start();
  EXPECT_TRUE(ask_for("uto"));
}

TEST_F(ServerTest, ATooLongPathIsAnError) {
  const auto path = directory_.path() / std::string(120, 'x');
  EXPECT_THAT(error_of(listen_at(path)), HasSubstr("give a shorter --run-dir"));
}

}  // namespace
}  // namespace tcpopt
