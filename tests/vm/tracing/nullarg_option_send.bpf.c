// SPDX-License-Identifier: GPL-2.0
#include "nullarg.h"

NULLARG(bpf_mptcp_option_send(skops, 0, at, 16, 0));
