# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the scripts beside it; sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/tcpopt
ME=${TCPOPT_ME:-scripts/$(basename "$0")}
# The series in use; another one can be tried with TCPOPT_SERIES or --series.
SERIES_DIR=${TCPOPT_SERIES:-$TOP/kernel-patches/6.12}
SOURCE_PACKAGE=linux-source-6.12
SOURCE_TARBALL=${TCPOPT_SOURCE_TARBALL:-/usr/src/$SOURCE_PACKAGE.tar.xz} # a test's

# One line that names the cause and the cure; exit 1 unless told otherwise.
die() { printf '%s: %s\n' "$ME" "$1" >&2; exit "${2:-1}"; }
usage_error() { die "$1 (see $ME --help)" 2; }
note() { printf '%s: %s\n' "$ME" "$*" >&2; }

# step "what" "about N minutes": what is going on and how long it takes.
step() { printf '==> %s%s\n' "$1" "${2:+ ($2)}" >&2; }

# Print the comment block at the head of the calling script as its help.
show_help() { sed -n '3,/^[^#]/{s/^# \{0,1\}//;t p;b;:p;p}' "$0"; }

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null ||
			die "'$tool' is missing; run scripts/setup"
	done
}

# lock NAME: hold a lock until unlock or the end of this process, so that two
# clones or two makes take turns on the cache.
declare -A LOCKS=()
lock() {
	local fd
	mkdir -p "$CACHE/lock"
	exec {fd}>"$CACHE/lock/$1"
	if ! flock -n "$fd"; then
		note "waiting for another run that uses $CACHE ($1)"
		flock "$fd"
	fi
	LOCKS[$1]=$fd
}
unlock() {
	local fd=${LOCKS[$1]}
	exec {fd}>&-
	unset "LOCKS[$1]"
}

# A temporary directory on the cache's file system (so that a rename from it is
# atomic), gone again however the script ends.
SCRATCH=
scratch() {
	[[ -z $SCRATCH ]] || return 0
	mkdir -p "$CACHE/tmp"
	SCRATCH=$(mktemp -d "$CACHE/tmp/$(basename "$0").XXXXXX")
	trap 'rm -rf "$SCRATCH"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# atomic_write FILE <content: a reader sees the old file or the new one whole.
atomic_write() {
	local new
	new=$(mktemp "$1.XXXXXX")
	cat >"$new"
	chmod 644 "$new"
	mv -f "$new" "$1"
}

# The version of the installed kernel source package.
source_version() {
	local version
	version=$(dpkg-query -W -f '${db:Status-Abbrev}${Version}' \
		"$SOURCE_PACKAGE" 2>/dev/null) || version=
	[[ $version == ii* && -r $SOURCE_TARBALL ]] ||
		die "$SOURCE_PACKAGE is not installed; run scripts/setup"
	printf '%s\n' "${version#ii}" | tr -d ' '
}

# The pristine tree, extracted once per version.
pristine_dir() { printf '%s/source/%s\n' "$CACHE" "$(source_version)"; }

extract_source() {
	local dir
	dir=$(pristine_dir)
	[[ ! -d $dir ]] || return 0
	need tar xz
	lock source
	if [[ ! -d $dir ]]; then
		scratch
		step "extracting $SOURCE_TARBALL" "about 1 minute"
		mkdir -p "$SCRATCH/tree" "$CACHE/source"
		tar -C "$SCRATCH/tree" --strip-components=1 -xf "$SOURCE_TARBALL"
		# Builds share these files through hard links; see scripts/kernel.
		find "$SCRATCH/tree" -type f -exec chmod a-w {} +
		mv -T "$SCRATCH/tree" "$dir"
	fi
	unlock source
}

# The patches of the series in order, one path a line; none without a series.
series_patches() {
	local name
	[[ -e $SERIES_DIR/series ]] || return 0
	while read -r name || [[ -n $name ]]; do
		name=${name%%#*}
		name=${name%"${name##*[![:space:]]}"}
		[[ -n $name ]] || continue
		[[ -r $SERIES_DIR/$name ]] ||
			die "$SERIES_DIR/series names $name, which is not there; restore it or run scripts/series export"
		printf '%s\n' "$SERIES_DIR/$name"
	done <"$SERIES_DIR/series"
}

# series_base KEY: package, version or sha256 that the series was made for.
series_base() {
	[[ ! -r $SERIES_DIR/base ]] || sed -n "s/^$1=//p" "$SERIES_DIR/base"
}

# touched_files PATCH...: the files that they create, change or remove.
touched_files() {
	[[ $# -eq 0 ]] ||
		sed -n 's,^diff --git a/\(.*\) b/\(.*\)$,\1\n\2,p' "$@" | sort -u
}
