// SPDX-License-Identifier: GPL-2.0-or-later
// A plugin for mptcpd that opens one further subflow for each session of a client.
//
// None of its packaged plugins does: addr_adv hands addresses to the in-kernel
// path manager, sspi announces addresses and closes subflows. The local address is
// taken from BENCH_LOCAL.
#include <arpa/inet.h>
#include <mptcpd/path_manager.h>
#include <mptcpd/plugin.h>
#include <netinet/in.h>

#include <cstdlib>

namespace {

constexpr mptcpd_aid_t kLocalId = 1;

sockaddr_in local_address;

void established(mptcpd_token_t token, const sockaddr* /*local*/, const sockaddr* remote,
                 bool server_side, mptcpd_pm* pm) {
  if (server_side) {
    return;
  }
  mptcpd_pm_add_subflow(pm, token, kLocalId, 0, reinterpret_cast<const sockaddr*>(&local_address),
                        remote, false);
}

int start(mptcpd_pm* /*pm*/) {
  static constexpr mptcpd_plugin_ops kOperations = [] {
    mptcpd_plugin_ops operations{};
    operations.connection_established = established;
    return operations;
  }();
  const char* const address = std::getenv("BENCH_LOCAL");
  local_address.sin_family = AF_INET;
  if (address == nullptr || inet_pton(AF_INET, address, &local_address.sin_addr) != 1) {
    return EXIT_FAILURE;
  }
  return mptcpd_plugin_register_ops("bench", &kOperations) ? EXIT_SUCCESS : EXIT_FAILURE;
}

void stop(mptcpd_pm* /*pm*/) {}

}  // namespace

MPTCPD_PLUGIN_DEFINE(bench, "one further subflow", MPTCPD_PLUGIN_PRIORITY_DEFAULT, start, stop)
