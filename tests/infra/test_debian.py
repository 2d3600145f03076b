# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own kernel: how it comes into the cache, and scripts/vm on it.

The rest of what scripts/vm promises is in test_vm.py, for any kernel:
TCPOPT_TEST_KERNEL=debian runs it on this one.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "scripts"))
from vm_machine import tsc_khz  # noqa: E402

RELEASE = "6.1.0-9-cloud-amd64"


# --- the package -------------------------------------------------------------


class Mirror:
    """An apt whose lists name one version, and that has some versions to download."""

    def __init__(self, tmp):
        self.tmp, self.packages = tmp, tmp / "packages"
        self.packages.mkdir()
        (tmp / "bin").mkdir()
        self.program("apt-cache", f'[ ! -e {tmp}/listed ] || echo "Depends: linux-image-{RELEASE} (= $(cat {tmp}/listed))"')
        self.program("apt-get", f"""echo "$*" >>{tmp}/calls
            case $* in
            *update) [ -e {tmp}/mirror ] && cp {tmp}/mirror {tmp}/listed ;;
            *download*) cp {tmp}/packages/"${{@: -1}}".deb . || {{ echo 'E: 404'; exit 100; }} ;;
            esac""")
        self.env = {**os.environ, "XDG_CACHE_HOME": str(tmp),
                    "PATH": f"{tmp}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

    def program(self, name, script):
        path = self.tmp / "bin" / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def publish(self, version, builtin="virtio_pci virtio_console virtio_rng virtiofs overlay"):
        root = self.tmp / "root"
        for name, text in {
            "DEBIAN/control": f"Package: linux-image-{RELEASE}\nVersion: {version}\n"
                              "Architecture: amd64\nMaintainer: A <a@example.org>\nDescription: a\n",
            "DEBIAN/md5sums": "",
            f"boot/vmlinuz-{RELEASE}": f"image {version}",
            f"boot/config-{RELEASE}": "",
            f"lib/modules/{RELEASE}/modules.order": "",
            f"lib/modules/{RELEASE}/modules.builtin": "".join(
                f"kernel/{name}.ko\n" for name in builtin.split()),
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        subprocess.run(["dpkg-deb", "-b", root, self.packages / f"linux-image-{RELEASE}={version}.deb"],
                       check=True, capture_output=True)
        (self.tmp / "mirror").write_text(version)

    def build(self):
        return subprocess.run([TOP / "scripts/kernel", "build", "debian"], env=self.env,
                              capture_output=True, text=True, check=False)

    def image(self):
        path = subprocess.run([TOP / "scripts/kernel", "path", "debian"], env=self.env,
                              capture_output=True, text=True, check=True).stdout.strip()
        return pathlib.Path(path).read_text()

    def calls(self, what):
        return (self.tmp / "calls").read_text().count(what)

    def assert_nothing_is_left(self):
        assert not list((self.tmp / "tcpopt/tmp").iterdir())


@pytest.fixture
def mirror(tmp_path):
    return Mirror(tmp_path)


def test_the_package_is_downloaded_once_and_not_installed(mirror):
    mirror.publish("6.1.9-1")
    for _ in "ab":
        assert mirror.build().returncode == 0
        assert mirror.image() == "image 6.1.9-1"
    # The lists were empty at first: asked for once.
    assert (mirror.calls("update"), mirror.calls("download")) == (1, 1)
    assert not os.path.exists(f"/boot/vmlinuz-{RELEASE}")
    mirror.assert_nothing_is_left()


def test_a_newer_version_is_taken_when_the_old_one_is_gone_from_the_mirror(mirror):
    mirror.publish("6.1.9-1")
    (mirror.tmp / "listed").write_text("6.1.8-1")
    assert mirror.build().returncode == 0
    assert mirror.image() == "image 6.1.9-1"


def test_without_a_mirror_one_line_says_so(mirror):
    r = mirror.build()
    assert r.returncode == 1 and r.stderr.count("\n") == 1
    assert "linux-image-cloud-amd64" in r.stderr and "apt-get update" in r.stderr
    mirror.assert_nothing_is_left()
    r = subprocess.run([TOP / "scripts/vm", "--kernel", "debian", "--", "true"], env=mirror.env,
                       capture_output=True, text=True, check=False)
    assert r.returncode == 126 and r.stderr.count("\n") == 1
    assert "scripts/kernel build debian" in r.stderr


def test_without_a_mirror_the_kernel_that_is_there_is_kept(mirror):
    mirror.publish("6.1.9-1")
    assert mirror.build().returncode == 0
    (mirror.tmp / "listed").write_text("6.1.10-1")
    (mirror.tmp / "mirror").unlink()
    r = mirror.build()
    assert r.returncode == 0 and r.stderr.endswith("staying with 6.1.9-1\n")
    assert mirror.image() == "image 6.1.9-1"


def test_a_kernel_without_a_driver_that_the_guest_needs_is_not_taken(mirror):
    mirror.publish("6.1.9-1", builtin="virtio_pci virtiofs overlay")
    r = mirror.build()
    assert r.returncode == 1 and "lacks a driver" in r.stderr.splitlines()[-1]
    assert not (mirror.tmp / "tcpopt/kernel/debian").exists()
    mirror.assert_nothing_is_left()


# --- the guest ---------------------------------------------------------------


def vm(*command, options=()):
    return subprocess.run([TOP / "scripts/vm", "--kernel", "debian", "--timeout", "240", *options,
                           "--", *command], capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def kernel():
    path = subprocess.run([TOP / "scripts/kernel", "path", "debian"], capture_output=True, text=True,
                          check=True).stdout.strip()
    return pathlib.Path(path).parent


def test_image_and_modules_are_the_packages(kernel):
    sums = dict(reversed(line.split(maxsplit=1)) for line in (kernel / "md5sums").read_text().splitlines())
    checked = 0
    for path, wanted in sums.items():
        if path.startswith("boot/vmlinuz-"):
            file = kernel / "bzImage"
        elif match := re.match(r"lib/modules/[^/]*/(.*\.ko)$", path):
            file = kernel / "modules" / match[1]
        else:
            continue
        assert hashlib.md5(file.read_bytes()).hexdigest() == wanted, path
        checked += 1
    assert checked > 500


def test_the_guest_runs_it_with_its_modules(kernel, tmp_path):
    script = """
set -e
cat /proc/version
modprobe -a sch_netem nf_tables
ip netns add t
ip link add v0 type veth peer name v1 netns t       # the kernel asks for veth.ko
/usr/bin/python3 -c 'import socket; socket.socket().setsockopt(6, 13, b"bbr")'
ss -tln >&2                                          # tcp_diag.ko
cut -d' ' -f1 /proc/modules | sort | grep -xE 'sch_netem|nf_tables|veth|tcp_bbr|tcp_diag'
cat /proc/sys/kernel/tainted                         # an unsigned module would show
mkdir /tmp/host && mount -t virtiofs hostroot /tmp/host && mount -o remount,rw /tmp/host
! touch "/tmp/host$1/through-the-root" 2>/dev/null
cp /proc/sys/kernel/osrelease "$1/from-guest"
dmesg | sed -n 's/.*tsc: Detected \\([0-9.]*\\) MHz.*/\\1/p' | tail -n 1 >"$1/mhz"
exit 7
"""
    r = vm("bash", "-c", script, "bash", str(tmp_path), options=["--out", str(tmp_path)])
    assert r.returncode == 7, r.stderr
    version, *modules, taint = r.stdout.splitlines()
    # `6.1.9-1.5ca1ab1e` is the version and what the initrd was made of.
    assert f"Debian {kernel.name.rpartition('.')[0]} " in version
    assert modules == ["nf_tables", "sch_netem", "tcp_bbr", "tcp_diag", "veth"]
    assert taint == "0"
    # Its own /lib/modules, not the host's.
    release = (tmp_path / "from-guest").read_text().strip()
    assert release in version
    assert sorted(p.name for p in tmp_path.iterdir()) == ["from-guest", "mhz"]
    # On a busy host the kernel's own idea of it can be wrong by a factor of 50.
    assert float((tmp_path / "mhz").read_text()) == pytest.approx(tsc_khz() / 1000, rel=0.001)


def test_a_user_without_sudo_is_told_to_be_root(tmp_path):
    for name in ("bzImage", "initrd", "sudo"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    # A clone in root's home is nobody else's to read.
    shutil.copytree(TOP / "scripts", tmp_path / "scripts")
    for path in (tmp_path, *tmp_path.parents):
        if str(path).startswith("/tmp/"):
            path.chmod(0o755)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    r = subprocess.run([*user, tmp_path / "scripts/vm", "--kernel", tmp_path / "bzImage", "--",
                        "true"],
                       env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
                       capture_output=True, text=True, check=False)
    assert r.returncode == 126 and r.stderr.count("\n") == 1 and "sudo" in r.stderr


def test_a_crash_of_it_fails_the_run():
    r = vm("sh", "-c", "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 100")
    assert r.returncode == 125 and "sysrq" in r.stderr
