// SPDX-License-Identifier: GPL-2.0
#include "nullarg.h"

NULLARG(bpf_mptcp_option_load(skops, at, 16));
