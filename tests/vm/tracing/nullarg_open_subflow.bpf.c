// SPDX-License-Identifier: GPL-2.0
#include "nullarg.h"

NULLARG(bpf_mptcp_open_subflow(skops, at, 64));
