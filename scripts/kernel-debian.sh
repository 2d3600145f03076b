# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's own kernel, unmodified, for scripts/kernel; sourced after lib.sh.
#
# The package is unpacked into the cache and not installed: the host's /boot,
# /lib/modules and boot loader stay as they are. A directory there has
#   bzImage  the package's boot/vmlinuz-*, and its config
#   initrd   loads the modules without which the guest cannot reach its root
#   modules  the package's modules, with depmod's index
#   md5sums  the package's own

DEBIAN_METAPACKAGE=linux-image-cloud-amd64
# This kernel has no 9p: the guest gets the host's files by virtiofs.
DEBIAN_BOOT_MODULES=(virtio_pci virtio_console virtio_rng virtiofs overlay)
DEBIAN_INIT=$TOP/scripts/vm-initramfs

# The newest one in the cache that these scripts made, the name of its directory.
debian_newest() {
	# shellcheck disable=SC2012 # versions and hashes
	ls -1t "$CACHE/kernel/debian" 2>/dev/null | grep -m1 "\.$(debian_stamp)\$"
}
debian_stamp() {
	{
		printf '%s\n' "$BUILD_FORMAT" "${DEBIAN_BOOT_MODULES[@]}"
		cat "$DEBIAN_INIT"
	} | sha256sum | cut -c1-8
}

# Downloads nothing when the version that apt's lists name is there already.
build_debian() {
	local newest
	need apt-get apt-cache dpkg-deb depmod modprobe cpio busybox
	lock kernel-debian
	scratch
	if debian_download || { debian_update && debian_download; }; then
		debian_unpack
	else
		newest=$(debian_newest) || die "no Debian kernel: $debian_error; give apt a mirror that it reaches, run apt-get update and then scripts/kernel build debian"
		note "$debian_error; staying with ${newest%.*}"
	fi
	unlock kernel-debian
}

# Set debian_version, and debian_package to its file unless the cache has it
# unpacked; or debian_error, and fail.
debian_download() {
	local name dir=$SCRATCH/download
	debian_package=""
	read -r name debian_version < <(LC_ALL=C apt-cache show --no-all-versions \
		"$DEBIAN_METAPACKAGE" 2>/dev/null |
		sed -n 's/^Depends:.*\(linux-image-[^ ,]*\) (= \([^)]*\)).*/\1 \2/p') || {
		debian_error="apt knows no package $DEBIAN_METAPACKAGE"
		return 1
	}
	[[ ! -e $(debian_dir)/bzImage ]] || return 0
	step "downloading Debian's kernel, $debian_version" "30 MB"
	mkdir -p "$dir"
	# apt's own user has no access to the cache.
	(cd "$dir" && LC_ALL=C apt-get -q -o APT::Sandbox::User=root \
		download "$name=$debian_version") >"$SCRATCH/apt.log" 2>&1 </dev/null || {
		debian_error="apt cannot download $name ($(grep -m1 '^E:' "$SCRATCH/apt.log" || echo "no reason given"))"
		return 1
	}
	debian_package=$(echo "$dir"/*.deb)
}
debian_dir() { printf '%s\n' "$CACHE/kernel/debian/$debian_version.$(debian_stamp)"; }

# The lists may be older than what the mirror still has.
debian_update() {
	local as_root=()
	[[ $EUID -eq 0 ]] || as_root=(sudo -n)
	"${as_root[@]}" apt-get -q update >"$SCRATCH/apt.log" 2>&1 </dev/null
}

debian_unpack() {
	local root=$SCRATCH/package result=$SCRATCH/result release
	if [[ -z $debian_package ]]; then
		touch "$(debian_dir)" # the newest are kept
		return
	fi
	mkdir -p "$root" "$result"
	dpkg-deb -x "$debian_package" "$root"
	dpkg-deb -I "$debian_package" md5sums >"$result/md5sums"
	release=$(basename "$root"/lib/modules/*)
	depmod -b "$root" "$release"
	debian_initrd "$root" "$release" >"$result/initrd"
	mv "$root/boot/vmlinuz-$release" "$result/bzImage"
	mv "$root/boot/config-$release" "$result/.config"
	mv "$root/lib/modules/$release" "$result/modules"
	publish "$result" debian "$(basename "$(debian_dir)")"
}

debian_initrd() { # PACKAGE-ROOT RELEASE
	local dir=$SCRATCH/initrd applet path
	mkdir -p "$dir/bin" "$dir/modules" "$dir/root"
	cp "$DEBIAN_INIT" "$dir/init"
	cp "$(command -v busybox)" "$dir/bin/busybox"
	for applet in sh insmod mount switch_root; do ln -s busybox "$dir/bin/$applet"; done
	modprobe -C /dev/null -d "$1" -S "$2" -D -a "${DEBIAN_BOOT_MODULES[@]}" >"$SCRATCH/insmod" ||
		die "Debian's kernel $2 lacks a driver that the guest needs; see DEBIAN_BOOT_MODULES in scripts/kernel-debian.sh"
	awk '$1 == "insmod" && !seen[$2]++ { print $2 }' "$SCRATCH/insmod" | while read -r path; do
		cp "$path" "$dir/modules/"
		basename "$path"
	done >"$dir/modules/order"
	(cd "$dir" && find . | cpio --quiet -o -H newc -R 0:0)
}
