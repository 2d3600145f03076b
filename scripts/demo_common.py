# SPDX-License-Identifier: GPL-2.0-or-later
"""What the parts of the demo share: processes in cgroups, and how it is reported."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/vm"))
from net import SERVER, eventually, run  # noqa: E402

BUILD = ROOT / "build"
CTL = str(BUILD / "userspace/tcpoptctl")
LOADER = str(BUILD / "userspace/tcpopt-loader")
CGROUPS = pathlib.Path("/sys/fs/cgroup/demo")

NGINX = """
daemon off; pid {dir}/pid; error_log {dir}/error.log; user root; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p;
  fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  server {{ listen {port}; root {dir}; {more} }}
}}
"""


def start_loader():
    subprocess.Popen([LOADER, "--programs", str(BUILD / "bpf-progs"), "--log-level", "warn"])
    eventually(lambda: subprocess.run([CTL, "list"], capture_output=True).returncode == 0,
               "the daemon's answer")


def make_cgroup(name):
    (CGROUPS / name).mkdir(parents=True)
    return CGROUPS / name


def inside(netns, cgroup, *command):
    """Start a command in a cgroup and, then, in a network namespace."""
    return subprocess.Popen(
        ["sh", "-c", f'echo $$ >{cgroup}/cgroup.procs; exec ip netns exec {netns} "$@"', "sh",
         *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_nginx(directory, cgroup, port, more="", prefix=()):
    """A web server on the host `server` for the files of a directory."""
    conf = directory / f"nginx-{port}.conf"
    conf.write_text(NGINX.format(dir=directory, port=port, more=more))
    nginx = inside(SERVER, cgroup, *prefix, "nginx", "-c", str(conf))
    eventually(lambda: f":{port} " in run("ip", "netns", "exec", SERVER, "ss", "-Htanl"), "nginx")
    return nginx


def check(condition, text):
    print(f"  {'ok  ' if condition else 'FAIL'} {text}", flush=True)
    return condition
