# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Source trees, patching, configuration and make, for scripts/kernel and
# scripts/check-series; sourced after lib.sh.

FRAGMENT=${TCPOPT_FRAGMENT:-$TOP/Kconfig.fragment}
# shellcheck disable=SC2034 # scripts/kernel reads it
DEBUG_FRAGMENT=$TOP/scripts/debug.config

# --- source trees -----------------------------------------------------------

# A build tree shares the pristine files through hard links: it is there in a
# second and costs no room. Nothing writes to them in place; a patched file is
# a new file that is renamed over the link.
make_tree() { # TREE
	local version
	version=$(source_version)
	if [[ -d $1 && $(cat "$1/.tcpopt-version" 2>/dev/null) != "$version" ]]; then
		rm -rf "$1"
	fi
	[[ ! -d $1 ]] || return 0
	extract_source
	mkdir -p "$(dirname "$1")"
	rm -rf "$1.new"
	cp -al "$(pristine_dir)" "$1.new"
	printf '%s\n' "$version" >"$1.new/.tcpopt-version"
	mv -T "$1.new" "$1"
}

# Apply PATCHES to copies of the files they touch, without fuzz.
apply_to_scratch() { # DIR PATCH...
	local dir=$1 pristine file patch out base
	shift
	pristine=$(pristine_dir)
	mkdir -p "$dir"
	while read -r file; do
		[[ -e $pristine/$file ]] || continue
		mkdir -p "$dir/$(dirname "$file")"
		cp "$pristine/$file" "$dir/$file"
		chmod u+w "$dir/$file"
	done < <(touched_files "$@")
	for patch; do
		if ! out=$(LC_ALL=C patch -d "$dir" -p1 -F0 -f -r - -E \
			--no-backup-if-mismatch <"$patch" 2>&1); then
			file=$(failed_files <<<"$out")
			base=$(series_base version)
			note "$(grep -m1 -E 'FAILED|malformed|can.t find' <<<"$out" || tail -n1 <<<"$out")"
			die "${patch##*/} does not apply to ${file:-a file}: the series was made for ${base:-an unknown version}, installed is $(source_version); rebase it with scripts/series apply"
		fi
	done
}

# The files that patch(1) complained about, from its output.
failed_files() {
	awk '/^(checking|patching) file /{f=$3}
		/FAILED|hunk.*ignored|Reversed|malformed|already exists/{bad[f]=1}
		/^\|\+\+\+ /{sub(/^b\//,"",$2); bad[$2]=1}
		END{for(f in bad) if(f!="") printf "%s%s", s++?", ":"", f}'
}

# Bring TREE to pristine + PATCHES; files that stay the same keep their times,
# so that the next make is incremental.
patch_tree() { # TREE PATCH...
	local tree=$1 pristine file from
	shift
	scratch
	rm -rf "$SCRATCH/patched"
	apply_to_scratch "$SCRATCH/patched" "$@"
	make_tree "$tree"
	pristine=$(pristine_dir)
	touched_files "$@" >"$SCRATCH/touched"
	touch "$tree/.tcpopt-touched"
	# Written before the first change: a run that was cut short leaves the
	# names of all files that may differ from pristine, and the next heals.
	sort -u "$SCRATCH/touched" "$tree/.tcpopt-touched" >"$SCRATCH/union"
	atomic_write "$tree/.tcpopt-touched" <"$SCRATCH/union"
	while read -r file; do
		from=$pristine/$file
		! grep -qxF -- "$file" "$SCRATCH/touched" || from=$SCRATCH/patched/$file
		if [[ ! -e $from ]]; then
			rm -f "$tree/$file"
		elif ! cmp -s "$from" "$tree/$file"; then
			mkdir -p "$tree/$(dirname "$file")"
			cp --no-preserve=timestamps "$from" "$tree/$file.tcpopt-new"
			mv -f "$tree/$file.tcpopt-new" "$tree/$file"
		fi
	done <"$SCRATCH/union"
	atomic_write "$tree/.tcpopt-touched" <"$SCRATCH/touched"
}

# --- configuration ----------------------------------------------------------

# The symbols of the series itself: the group of the fragment so marked.
own_symbols() { sed -n '/^# tcpopt itself/,/^$/s/^\(CONFIG_[A-Z0-9_]*\)=.*/\1/p' "$FRAGMENT"; }

# The fragment without the symbols that an unpatched tree does not know.
fragment_without_own() { sed '/^# tcpopt itself/,/^$/d' "$FRAGMENT"; }

# Write OBJ/.config from allnoconfig and FRAGMENTS, and check the result.
configure() { # TREE OBJ FRAGMENT...
	local tree=$1 obj=$2 log=$2/config.log
	shift 2
	mkdir -p "$obj"
	{
		kmake "$tree" "$obj" allnoconfig &&
			"$tree/scripts/kconfig/merge_config.sh" -m -O "$obj" "$obj/.config" "$@" &&
			kmake "$tree" "$obj" olddefconfig
	} >"$log" 2>&1 || {
		tail -n 15 "$log" >&2
		die "configuring the kernel failed; all of it is in $log"
	}
	check_survival "$obj/.config" "$@"
}

# Every line of FRAGMENTS must be in CONFIG: a symbol whose dependencies are
# not met, or that was renamed, is dropped by Kconfig without a word.
check_survival() { # CONFIG FRAGMENT...
	local config=$1 lost
	shift
	lost=$(awk '
		function sym(l) { sub(/^# /, "", l); sub(/[= ].*/, "", l); return l }
		FNR == 1 { file++ }
		!/^(# )?CONFIG_[A-Za-z0-9_]+(=| is not set)/ { next }
		file == 1 { have[sym($0)] = $0; next }
		{ want[sym($0)] = $0 }
		END {
			for (s in want) {
				if (want[s] ~ / is not set$/) {
					if (have[s] != "" && have[s] != want[s]) print want[s]
				} else if (have[s] != want[s]) print want[s]
			}
		}' "$config" "$@" | sort)
	[[ -z $lost ]] ||
		die "the kernel's configuration lost $(paste -sd, <<<"$lost" | sed 's/,/, /g'); add what they depend on to $(basename "$FRAGMENT") or remove them"
}

# --- make -------------------------------------------------------------------

# kmake TREE OBJ ARG...: OBJ must be a direct subdirectory of TREE, so that
# kbuild calls the source `..` and the compiler's output, and with it ccache,
# does not depend on where the cache lies.
kmake() {
	local tree=$1 obj=$2
	shift 2
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS -u ARCH -u CROSS_COMPILE -u KCFLAGS \
		-u KBUILD_OUTPUT -u KCONFIG_CONFIG -u LOCALVERSION -u LLVM \
		LC_ALL=C CCACHE_DIR="$CACHE/ccache" CCACHE_NOHASHDIR=1 \
		CCACHE_BASEDIR="$CACHE" CCACHE_MAXSIZE=5G \
		KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=tcpopt KBUILD_BUILD_HOST=tcpopt \
		make -C "$tree" O="$(basename "$obj")" CC="ccache gcc" HOSTCC="ccache gcc" \
		-j"$(nproc)" "$@"
}

# Run kmake with its output in LOG, saying every now and then how far it is;
# at a failure show the end of the log. Interrupting it ends the make as well.
logged_kmake() { # LOG TREE OBJ ARG...
	local log=$1 make_pid progress_pid status=0
	shift
	set -m # a process group of its own, to be ended as one
	kmake "$@" >"$log" 2>&1 </dev/null &
	make_pid=$!
	set +m
	show_progress "$log" &
	progress_pid=$!
	# shellcheck disable=SC2064 # the values of now
	trap "kill -TERM -- -$make_pid $progress_pid 2>/dev/null; wait; exit 130" INT TERM HUP
	wait "$make_pid" || status=$?
	trap 'exit 130' INT TERM HUP
	kill "$progress_pid" 2>/dev/null || true
	wait "$progress_pid" 2>/dev/null || true
	return "$status"
}

# Waits by a builtin: a sleep(1) would outlive the script, with its lock and
# its caller's pipe in hand.
show_progress() { # LOG
	local start=$SECONDS every=30 idle
	[[ ! -t 2 ]] || every=20
	exec {idle}<> <(:)
	while ! read -r -t "$every" -u "$idle"; do
		printf '    %d files compiled, %d:%02d minutes\n' \
			"$(grep -c '^  CC ' "$1")" $(((SECONDS - start) / 60)) \
			$(((SECONDS - start) % 60)) >&2
	done
}
