# SPDX-License-Identifier: GPL-2.0-or-later
# `make demo` and `make check` are all that a newcomer needs; `make help` lists
# the rest. Everything that is downloaded or built outside of build/ is kept
# under ${XDG_CACHE_HOME:-~/.cache}/tcpopt.

BUILD := build
CLANG ?= clang-19
BPF_CFLAGS := -target bpf -g -O2 -Wall -Wextra -Werror -I/usr/include/$(shell gcc -print-multiarch)
PROGRAMS := $(wildcard bpf-progs/*/*.bpf.c)
TEST_PROGRAMS := $(wildcard tests/vm/bpf/*.bpf.c)
# That tcpopt-loader has no use for: not where it looks for programs.
TRACING_PROGRAMS := $(wildcard tests/vm/tracing/*.bpf.c)
OBJECTS := $(foreach p,$(PROGRAMS),$(BUILD)/bpf-progs/$(notdir $(p:.c=.o)))
# The README shows them. They are tried as they are printed.
README_OBJECTS := $(foreach n,hello another,$(BUILD)/test-progs/$(n).bpf.o)
BENCH_PROGRAMS := $(wildcard tests/bench/bpf/*.bpf.c)
TEST_OBJECTS := $(foreach p,$(TEST_PROGRAMS),$(BUILD)/test-progs/$(notdir $(p:.c=.o)))
TRACING_OBJECTS := $(foreach p,$(TRACING_PROGRAMS),$(BUILD)/tracing-progs/$(notdir $(p:.c=.o)))
BENCH_OBJECTS := $(foreach p,$(BENCH_PROGRAMS),$(BUILD)/bench-progs/$(notdir $(p:.c=.o)))
PREFIX ?= /usr/local

.PHONY: help demo check check-debug check-series check-listing setup kernel programs userspace unit lint install clean bench-options bench-pm \
	figures figures-ready kselftests fuzz fuzz-packets

help:
	@echo 'make demo          build all, boot the patched kernel, show an option and path managers at work'
	@echo 'make check         build all, run every test'
	@echo 'make check-debug   run what goes through the kernel on one with KASAN and lockdep (long)'
	@echo 'make kernel        build the patched kernel'
	@echo 'make userspace     build tcpopt-loader, tcpoptctl and mptcpstat'
	@echo 'make programs      build the BPF programs'
	@echo 'make bench-options measure what a TCP option costs; out/bench-options.csv'
	@echo 'make bench-pm      measure MPTCP path managers, ours and others; out/bench-pm.csv'
	@echo 'make figures       redraw the figures of the papers; out/figures'
	@echo 'make kselftests    the kernel'"'"'s own MPTCP tests, stock and patched, compared (long)'
	@echo 'make fuzz-packets  mutated TCP exchanges, stock and patched, compared; SEGMENTS=1000000'
	@echo 'make check-series  build every prefix of the patch series (long)'
	@echo 'make check-listing PAPER=FILE [THESIS=FILE]  run Listings 1 and 2 of the netdev paper as printed,'
	@echo '                   or 7.1 of the thesis instead of 2'
	@echo 'make unit          unit tests under ASan and UBSan'
	@echo 'make fuzz          mptcpstat on captures that libFuzzer makes up, for FUZZ=60 seconds'
	@echo 'make lint          clang-format, clang-tidy, shellcheck'
	@echo 'make install       install programs and daemon (PREFIX=$(PREFIX), DESTDIR)'
	@echo 'scripts/vm         boot a kernel, ours or Debian'"'"'s, and run a command in it'

setup:
	@scripts/setup

demo: setup
	@scripts/kernel build patched
	@$(MAKE) --no-print-directory userspace programs
	@scripts/demo

# CHECK=--again: also what passed before with the same inputs.
check: setup
	@tests/run $(CHECK)

check-debug: setup
	@tests/run $(CHECK) vm-debug vm-stress

kernel: setup
	@scripts/kernel build patched

check-series: setup
	@scripts/check-series

# The papers are not part of this repository. Listing 2 is 7.1 of the thesis, too.
check-listing: setup userspace programs
	@test -n "$(PAPER)" || { echo 'make check-listing PAPER=FILE: the text of the netdev 0x13 paper' >&2; exit 2; }
	@tests/paper-listing $(PAPER) 'struct tcp_option {' $(BUILD)/test-progs/listing1.bpf.o
	@tests/paper-listing $(or $(THESIS),$(PAPER)) 'BPF_MPTCP_FULLY_ESTABLISHED) {' $(BUILD)/test-progs/listing2.bpf.o
	@scripts/vm --kernel patched --env TCPOPT_EXAMPLE=listing1 --env TCPOPT_PM_EXAMPLE=listing2 -- \
		/usr/bin/python3 -m pytest -q -p no:cacheprovider tests/vm/test_hooks.py::test_paper_example \
		tests/vm/test_pm_listing.py

# The daemon offers every object it finds: none whose source is gone.
programs: $(OBJECTS) $(TEST_OBJECTS) $(README_OBJECTS) $(TRACING_OBJECTS)
	@rm -f $(filter-out $^ $(BENCH_OBJECTS),$(wildcard $(BUILD)/*-progs/*.bpf.o))

define compile
@mkdir -p $(@D)
@echo "  BPF     $@"
@$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
endef

$(README_OBJECTS): $(BUILD)/test-progs/%.bpf.o: $(BUILD)/readme/%.bpf.c
	@mkdir -p $(@D)
	@echo "  BPF     $@"
	@$(CLANG) $(BPF_CFLAGS) -Ibpf-progs/uto -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(BUILD)/readme/%.bpf.c: README.md tests/readme-program
	@mkdir -p $(@D)
	@tests/readme-program README.md $* >$@ || { rm -f $@; exit 1; }
.PRECIOUS: $(BUILD)/readme/%.bpf.c

define program
$(1)/$(notdir $(2:.c=.o)): $(2)
	$$(compile)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(BUILD)/bpf-progs,$(p))))
$(foreach p,$(TEST_PROGRAMS),$(eval $(call program,$(BUILD)/test-progs,$(p))))
$(foreach p,$(TRACING_PROGRAMS),$(eval $(call program,$(BUILD)/tracing-progs,$(p))))
$(foreach p,$(BENCH_PROGRAMS),$(eval $(call program,$(BUILD)/bench-progs,$(p))))
-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(README_OBJECTS:.o=.d) $(TRACING_OBJECTS:.o=.d) $(BENCH_OBJECTS:.o=.d)

configure_userspace = cmake -S userspace -B $(BUILD)/userspace -G Ninja \
	-DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INSTALL_PREFIX=$(PREFIX) --log-level=WARNING >/dev/null

userspace:
	@$(configure_userspace)
	@cmake --build $(BUILD)/userspace

# BENCH=--no-iperf: the instructions alone.
bench-options: setup $(BENCH_OBJECTS)
	@scripts/kernel build patched stock
	@$(configure_userspace)
	@cmake --build $(BUILD)/userspace --target bench-options
	@tests/bench/run $(BENCH)

# BENCH='--crowd 100 ndiffports': fewer sessions, not every path manager.
bench-pm: setup programs $(BENCH_OBJECTS)
	@scripts/kernel build patched stock
	@scripts/selftests build
	@$(configure_userspace)
	@cmake --build $(BUILD)/userspace --target tcpopt-loader tcpoptctl bench-pm bench-csf bench-mptcpd
	@tests/bench/run-pm $(BENCH)

# FIGURES='rate-limit': one of them; scripts/experiment --help has the rest.
figures: figures-ready
	@tests/figures/run $(FIGURES)

figures-ready: setup programs
	@scripts/setup --packages tests/figures/packages
	@scripts/kernel build patched
	@$(configure_userspace)
	@cmake --build $(BUILD)/userspace --target tcpopt-loader tcpoptctl

# TESTS='"mptcp_connect.sh -f 100000"': some, or with upstream's options.
kselftests: setup
	@scripts/kernel build stock patched
	@scripts/selftests build
	@tests/kselftests/run $(TESTS)

# FUZZ='--only 17': one exchange alone; --seed: others.
fuzz-packets: setup programs
	@scripts/kernel build stock patched
	@tests/fuzz/run --segments $(or $(SEGMENTS),10000) $(FUZZ)

# In the tree that has the unit tests, so that they are looked at too.
lint: $(BUILD)/sanitized
	@cmake --build $< --target lint
	@git ls-files | xargs grep -lE '^#!(/usr/bin/env bash|/bin/(ba)?sh)' | xargs shellcheck -x

$(BUILD)/sanitized:
	@cmake -S userspace -B $@ -G Ninja --log-level=WARNING \
		-DTCPOPT_SANITIZE=ON -DTCPOPT_TESTS=ON >/dev/null

unit: $(BUILD)/sanitized
	@cmake --build $<
	@mkdir -p $(BUILD)/reports
	@ctest --test-dir $< --output-on-failure --output-junit $(CURDIR)/$(BUILD)/reports/unit.xml

# What it finds goes into tests/mptcpstat/corpus, with a reason in the message.
FUZZ ?= 60
FUZZED := $(filter-out %/main.cpp,$(wildcard userspace/src/mptcpstat/*.cpp)) userspace/src/base/error.cpp \
	tests/mptcpstat/fuzz_one.cpp
FUZZ_CORPUS := $(BUILD)/fuzz/corpus
$(BUILD)/fuzz/mptcpstat: $(FUZZED) $(wildcard userspace/src/mptcpstat/*.h)
	@mkdir -p $(@D)
	@$(CLANG:clang%=clang++%) -std=c++20 -g -O1 -DFMT_SHARED -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -Iuserspace/src $(FUZZED) -lpcap -lcrypto -lfmt -lbpf -o $@

fuzz: setup $(BUILD)/fuzz/mptcpstat $(BUILD)/sanitized
	@cmake --build $(BUILD)/sanitized --target make-captures
	@$(BUILD)/sanitized/captures/make-captures corpus $(FUZZ_CORPUS)
	@cd $(BUILD)/fuzz && ./mptcpstat -max_total_time=$(FUZZ) -rss_limit_mb=1024 -timeout=10 \
		corpus $(CURDIR)/tests/mptcpstat/corpus

install: userspace programs
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD)/userspace
	@install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/tcpopt $(OBJECTS)

clean:
	rm -rf $(BUILD)
