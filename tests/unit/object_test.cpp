// SPDX-License-Identifier: GPL-2.0-or-later
// Objects as clang makes them. Nothing here asks the kernel.
#include "bpf/object.h"

#include <bpf/libbpf.h>

#include <fstream>

#include "bpf/libbpf_words.h"
#include "bpf/path_manager.h"
#include "bpf/verifier_log.h"
#include "support.h"

namespace tcpopt {
namespace {

using testing::HasSubstr;

class ObjectTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { libbpf_set_print(nullptr); }
  static Result<Object> open(const std::string& name) {
    return Object::open({name, std::filesystem::path(TEST_OBJECTS) / (name + ".bpf.o")});
  }
};

TEST_F(ObjectTest, SaysWhatItIs) {
  const auto object = open("sample");
  ASSERT_TRUE(object) << error_of(object);
  const auto& description = object->description();
  EXPECT_EQ(description.name, "sample");
  EXPECT_EQ(description.help, "a sample");
  EXPECT_THAT(description.required, testing::ElementsAre("sockops", "cgroup-link"));
  EXPECT_TRUE(description.has_iterator);
  EXPECT_THAT(description.required_by_iterator, testing::ElementsAre("tcp-iter"));
  const auto& counters = description.interface.counters;
  ASSERT_EQ(counters.size(), 3U);
  EXPECT_EQ(counters[2].name, "walks");
  EXPECT_EQ(counters[2].offset, 16U);
}

TEST_F(ObjectTest, HasAParameterOfEachKind) {
  const auto object = open("sample");
  ASSERT_TRUE(object) << error_of(object);
  const auto* schema = &object->description().interface.schema;
  EXPECT_EQ(schema->names(), "timeout, offset, big, wide, tiny, enabled, color, label");
  EXPECT_TRUE(schema->generation_offset);
  EXPECT_EQ(schema->find("enabled")->kind, Kind::Bool);
  EXPECT_EQ(schema->find("color")->kind, Kind::Enum);
  EXPECT_EQ(schema->find("color")->default_text, "GREEN");
  EXPECT_EQ(schema->find("label")->kind, Kind::Text);
  EXPECT_EQ(schema->find("label")->size, 16U);
  EXPECT_TRUE(schema->find("offset")->is_signed);
  EXPECT_EQ(to_string(schema->find("offset")->min), "-5");
  EXPECT_EQ(schema->find("timeout")->unit, "s");
  EXPECT_EQ(schema->find("timeout")->help, "how long");
  EXPECT_EQ(schema->find("_generation"), nullptr);
}

TEST_F(ObjectTest, HasListsAndWhatParametersNeed) {
  const auto object = open("lists");
  ASSERT_TRUE(object) << error_of(object);
  const auto& schema = object->description().interface.schema;
  EXPECT_EQ(schema.names(), "request, modern, exid, prefixes, allow");
  EXPECT_EQ(schema.find("modern")->required, "tcp-option-calls");
  EXPECT_EQ(schema.find("request")->kind, Kind::Enum);
  EXPECT_EQ(schema.find("request")->choices.at(0).first, "none");
  EXPECT_EQ(schema.find_map("prefixes")->kind, MapKind::Prefixes);
  EXPECT_EQ(schema.find_map("prefixes")->capacity, 4U);
  EXPECT_EQ(schema.find_map("prefixes")->help, "peers to trust");
  EXPECT_EQ(schema.find_map("allow")->map, "algorithms");
  EXPECT_EQ(schema.find_map("algorithms"), nullptr);
  EXPECT_THAT(object->description().required,
              testing::Contains("tcp-option-calls|tcp-header-options"));
}

TEST_F(ObjectTest, RefusesListsThatAreNotAsTheContractHasThem) {
  EXPECT_THAT(error_of(open("broken-unknown_list")),
              HasSubstr("map 'list': tag 'tcpopt:param=suffixes' is not known; use prefixes, "
                        "algorithms, schedulers, interfaces or address-kinds"));
  EXPECT_THAT(error_of(open("broken-list_of_others")),
              HasSubstr("map 'list': it is not an LPM_TRIE of struct tcpopt_prefix to __u32"));
  EXPECT_THAT(error_of(open("broken-long_list")),
              HasSubstr("map 'list': it has 1025 entries; give it 1..1024"));
  EXPECT_THAT(error_of(open("broken-bad_default")),
              HasSubstr("map 'list': tag 'tcpopt:default': '10.0.0.0/33' has no"));
  EXPECT_THAT(error_of(open("broken-same_key")),
              HasSubstr("map 'list': there is a parameter 'plain' already"));
}

TEST_F(ObjectTest, HasMapsForLocalAddresses) {
  EXPECT_FALSE(open("lists")->description().interface.local_addrs);
  const auto object = open("addrs");
  ASSERT_TRUE(object) << error_of(object);
  const auto& interface = object->description().interface;
  ASSERT_TRUE(interface.local_addrs);
  EXPECT_EQ(interface.local_addrs->map, "local_addr_map");
  EXPECT_EQ(interface.local_addrs->capacity, 256U);
  EXPECT_EQ(interface.local_addrs->want, "want_netns");
  EXPECT_EQ(interface.schema.names(), "interfaces, except, backup, include, prefix, noprefix");
  EXPECT_EQ(interface.schema.find_map("backup")->kind, MapKind::Interfaces);
  EXPECT_EQ(interface.schema.find_map("include")->kind, MapKind::AddressKinds);
}

TEST_F(ObjectTest, RefusesMapsForLocalAddressesThatAreNotAsTheContractHasThem) {
  EXPECT_THAT(error_of(open("broken-unknown_role")),
              HasSubstr("map 'addresses': tag 'tcpopt:role=local' is not known; use local-addrs or "
                        "want-netns"));
  EXPECT_THAT(error_of(open("broken-two_of_a_role")),
              HasSubstr("maps 'addresses' and 'want' both have the role local-addrs"));
  EXPECT_THAT(error_of(open("broken-small_addresses")),
              HasSubstr("map 'addresses': it is not a HASH of __u64 to struct tcpopt_addrs"));
  EXPECT_THAT(error_of(open("broken-want_no_ring")), HasSubstr("map 'want': it is not a RINGBUF"));
  EXPECT_THAT(error_of(open("broken-want_alone")),
              HasSubstr("map 'want': there is no map of local addresses; declare one"));
  EXPECT_THAT(error_of(open("broken-backup_of_prefixes")),
              HasSubstr("parameter 'backup' is not a list of type interfaces"));
}

TEST_F(ObjectTest, TypesAreReadTheSameFromTheirBytes) {
  const auto object = open("lists");
  ASSERT_TRUE(object) << error_of(object);
  const auto types = parse_types(object->types());
  ASSERT_TRUE(types) << error_of(types);
  const auto again = read_interface(**types);
  ASSERT_TRUE(again) << error_of(again);
  EXPECT_EQ(again->schema.names(), object->description().interface.schema.names());
  EXPECT_EQ(again->counters.size(), 3U);
}

TEST_F(ObjectTest, RefusesWhatIsNotAsTheContractHasIt) {
  EXPECT_THAT(error_of(open("broken-bitfield")), HasSubstr("params: narrow: it is a bitfield"));
  EXPECT_THAT(error_of(open("broken-misspelt_tag")),
              HasSubstr("params: limited: tag 'tcpopt:mx' is not known"));
  EXPECT_THAT(error_of(open("broken-broken_rule")),
              HasSubstr("params: tag 'tcpopt:rule=plain<=nobody' is none"));
  EXPECT_THAT(error_of(open("broken-hash_params")),
              HasSubstr("map 'params' is not a ARRAY of one struct"));
  EXPECT_THAT(error_of(open("broken-narrow_counter")),
              HasSubstr("stats: narrow: a counter is a __u64"));
  EXPECT_THAT(error_of(open("broken-no_sockops")), HasSubstr("no function in SEC(\"sockops\")"));
  EXPECT_THAT(error_of(open("broken-two_sockops")),
              HasSubstr("functions first and second share section 'sockops'"));
  EXPECT_THAT(error_of(open("broken-other_type")),
              HasSubstr("function other in section 'cgroup/skb' cannot be attached"));
}

TEST_F(ObjectTest, TakesAPathManagerOfStructOps) {
  const auto object = open("manager");
  ASSERT_TRUE(object) << error_of(object);
  EXPECT_EQ(object->operations_fd(), -1);  // it is not loaded
}

TEST_F(ObjectTest, RefusesPathManagersThatAreNotAsTheContractHasThem) {
  EXPECT_THAT(error_of(open("broken-manager_without_name")),
              HasSubstr("it has no variable pm_name"));
  EXPECT_THAT(error_of(open("broken-manager_without_functions")),
              HasSubstr("the struct in SEC(\".struct_ops\") has no functions"));
  EXPECT_THAT(error_of(open("broken-manager_without_struct")),
              HasSubstr("function established is of no struct"));
  EXPECT_THAT(error_of(open("broken-manager_twice")), HasSubstr("are both operations"));
}

TEST(ManagerName, IsOfTheProgramAndOfTheCgroup) {
  EXPECT_EQ(manager_name("fullmesh", 0), "fullmesh.0");
  EXPECT_EQ(manager_name("fullmesh", 36), "fullmesh.10");
  EXPECT_EQ(manager_name("ndiffports", 46655), "ndiffports.zzz");
  // Whatever the kernel's names have room for, the cgroup is told apart.
  EXPECT_EQ(manager_name("a-rather-long-name", 46655), "a_rather_lo.zzz");
  EXPECT_EQ(manager_name("fullmesh", UINT64_MAX), "f.3w5e11264sgsf");
  EXPECT_NE(manager_name("fullmesh", UINT64_MAX), manager_name("fullmesh", UINT64_MAX - 1));
}

TEST_F(ObjectTest, RefusesFilesThatAreNoObjects) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "x.bpf.o";
  std::ofstream(path) << "not an ELF file at all, but long enough to be one: "
                      << std::string(99, 'x');
  EXPECT_THAT(error_of(Object::open({"x", path})), HasSubstr("is it a BPF object file"));
  EXPECT_FALSE(Object::open({"x", directory.path() / "missing"}));
}

TEST_F(ObjectTest, AnObjectWithoutTypesSaysSo) {
  EXPECT_THAT(error_of(open("sample-without-types")),
              HasSubstr("it has no types (BTF), or broken ones; compile it with clang -g"));
}

TEST_F(ObjectTest, TellsPathManagers) {
  EXPECT_FALSE(open("sample")->description().interface.claims_sessions);
}

TEST(LibbpfWarnings, TheFunctionThatIsMissingIsNamed) {
  const auto cause =
      cause_in({"libbpf: elf: something else",
                "libbpf: extern (func ksym) 'bpf_tcp_optoin_set': not found in kernel "
                "or module BTFs"});
  ASSERT_TRUE(cause);
  EXPECT_THAT(cause->line(), HasSubstr("this kernel has no function bpf_tcp_optoin_set; "));
  EXPECT_FALSE(cause_in({"libbpf: something else"}));
}

TEST(VerifierLog, FindsTheReason) {
  const VerifierLog log(
      "0: R1=ctx() R10=fp0\n"
      "0: (62) *(u32 *)(r1 +8) = 1\n"
      "invalid bpf_context access off=8 size=4\n"
      "processed 1 insns (limit 1000000) max_states_per_insn 0\n\n");
  EXPECT_EQ(log.verdict(), "invalid bpf_context access off=8 size=4");
  EXPECT_EQ(log.last_lines(2).front(), "invalid bpf_context access off=8 size=4");
  EXPECT_EQ(log.last_lines(99).size(), 4U);
  EXPECT_EQ(VerifierLog("").verdict(), "");
  EXPECT_EQ(VerifierLog("processed 0 insns").verdict(), "");
}

}  // namespace
}  // namespace tcpopt
