// SPDX-License-Identifier: GPL-2.0
#include "nullarg.h"

NULLARG(bpf_mptcp_set_scheduler(skops, at, 16));
