// SPDX-License-Identifier: GPL-2.0-or-later
#include "ipc/message.h"

#include <random>

#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

TEST(Message, RequestsComeThrough) {
  for (const auto command : {Command::Attach, Command::Detach, Command::Set}) {
    const auto request =
        decode_request(encode(Request{command, "uto", "/sys/fs/cgroup/x", {{"k", "v"}}, ""}));
    ASSERT_TRUE(request) << error_of(request);
    EXPECT_EQ(request->command, command);
    EXPECT_EQ(request->name, "uto");
    EXPECT_EQ(request->cgroup, "/sys/fs/cgroup/x");
    EXPECT_EQ(request->settings, (Settings{{"k", "v"}}));
  }
  Request by_policy;
  by_policy.command = Command::Attach;
  EXPECT_EQ(error_of(decode_request(encode(by_policy))), "");
  EXPECT_EQ(decode_request(encode(by_policy))->origin, Origin::Hand);
  by_policy.origin = Origin::Policy;
  EXPECT_EQ(decode_request(encode(by_policy))->origin, Origin::Policy);
  const auto list = decode_request(encode(Request{Command::List, "", "", {}, "uto@7"}));
  ASSERT_TRUE(list) << error_of(list);
  EXPECT_EQ(list->after, "uto@7");
  Request cover;
  cover.command = Command::Cover;
  cover.rules = {{"uto", "web/*", {{"k", "v"}}, true}, {"cc", "a", {}, false}};
  const auto covered = decode_request(encode(cover));
  ASSERT_TRUE(covered) << error_of(covered);
  EXPECT_EQ(covered->command, Command::Cover);
  ASSERT_EQ(covered->rules.size(), 2U);
  EXPECT_EQ(covered->rules[0].cgroup, "web/*");
  EXPECT_EQ(covered->rules[0].settings, (Settings{{"k", "v"}}));
  EXPECT_TRUE(covered->rules[0].force);
}

TEST(Message, RepliesComeThrough) {
  EXPECT_EQ(*decode_reply(encode(Reply(nlohmann::json{{"a", 1}}))), (nlohmann::json{{"a", 1}}));
  EXPECT_EQ(error_of(decode_reply(encode(Reply(fail("cause", "cure"))))), "cause; cure");
}

TEST(Message, PathsNeedNotBeUtf8) {
  const auto request = decode_request(encode(Request{Command::Detach, "uto", "/x\xff", {}, ""}));
  ASSERT_TRUE(request) << error_of(request);
  EXPECT_THAT(request->cgroup, testing::StartsWith("/x"));
}

TEST(Message, RefusesGarbage) {
  for (const auto* text : {"",
                           "{",
                           "null",
                           "[]",
                           "7",
                           "\"attach\"",
                           "{}",
                           R"({"protocol":1})",
                           R"({"protocol":2,"command":"list"})",
                           R"({"protocol":1,"command":"format"})",
                           R"({"protocol":1,"command":7})",
                           R"({"protocol":1,"command":"list","name":7})",
                           R"({"protocol":1,"command":"set","settings":{"a":1}})",
                           R"({"protocol":1,"command":"set","settings":["a"]})",
                           R"({"protocol":1,"command":"list","forced":true})",
                           R"({"protocol":1,"command":"list","force":7})",
                           R"({"protocol":1,"command":"attach","origin":"nobody"})",
                           R"({"protocol":1,"command":"cover","rules":[{"name":"uto"}]})",
                           R"({"protocol":1,"command":"cover","rules":7})",
                           R"({"protocol":1,"command":"attach","origin":7})",
                           "\xff\xfe"}) {
    EXPECT_THAT(error_of(decode_request(text)), HasSubstr("message not understood")) << text;
    EXPECT_THAT(error_of(decode_reply(text)), HasSubstr("message not understood")) << text;
  }
}

TEST(Message, RefusesDeepNestingWithoutFalling) {
  EXPECT_FALSE(decode_request(std::string(kMaxMessage, '[')));
}

TEST(Message, SurvivesEveryTruncationAndRandomDamage) {
  const auto good = encode(Request{Command::Set, "uto", "/x", {{"k", "v"}}, ""});
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(decode_request(good.substr(0, length)));
  }
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same damage in every run
  for (int i = 0; i < 20000; ++i) {
    auto bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    // Must neither throw nor upset the sanitizers.
    std::ignore = decode_request(bad);
    std::ignore = decode_reply(bad);
  }
}

}  // namespace
}  // namespace tcpopt
