// SPDX-License-Identifier: GPL-2.0
#include "nullarg.h"

NULLARG(bpf_mptcp_load_subflow(skops, 0, at, 64));
