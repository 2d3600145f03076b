# SPDX-License-Identifier: GPL-2.0-or-later
"""A web server, nginx, and a client that loads a page as a browser does, with libcurl."""
import pathlib
import subprocess
import time

ROOT = pathlib.Path("/run/figures/www")
CONFIGURATION = """daemon off; master_process off;
pid /run/figures/nginx.pid; error_log stderr crit;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000; sendfile on;
  client_body_temp_path /run/figures/body; proxy_temp_path /run/figures/proxy;
  fastcgi_temp_path /run/figures/fastcgi; uwsgi_temp_path /run/figures/uwsgi;
  scgi_temp_path /run/figures/scgi;
  server {{ listen {port} backlog=512; root {root}; }} }}
"""


def write_page(sizes):
    """The document and its objects, of so many bytes each."""
    ROOT.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        (ROOT / str(number)).write_bytes(bytes(size))


class Web:
    """Of traffic.Traffic."""

    def serve(self, port):
        """nginx, in this network namespace and cgroup, until this process ends."""
        configuration = ROOT.parent / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(port=port, root=ROOT), encoding="ascii")
        self.nginx = subprocess.Popen(["nginx", "-c", configuration])

    def stop_serving(self):
        self.nginx.terminate()
        self.nginx.wait()

    def load_page(self, base, objects, connections):
        """The document, then its objects at once, over so many connections at most.

        Returns seconds from the first connect to the last byte, bytes and connections.
        """
        import pycurl  # of other experiments nobody needs it
        multi = pycurl.CurlMulti()
        multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, connections)
        multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        totals = [0, 0]
        with open("/dev/null", "wb") as nowhere:
            start = time.monotonic()
            for numbers in ([0], range(1, objects + 1)):
                self._fetch(pycurl, multi, [f"{base}/{n}" for n in numbers], nowhere, totals)
            took = time.monotonic() - start
        multi.close()
        return [took, *totals]

    @staticmethod
    def _fetch(pycurl, multi, addresses, nowhere, totals):
        waiting = []
        for address in addresses:
            easy = pycurl.Curl()
            easy.setopt(pycurl.URL, address)
            easy.setopt(pycurl.WRITEDATA, nowhere)
            easy.setopt(pycurl.FAILONERROR, True)
            easy.setopt(pycurl.NOPROXY, "*")
            multi.add_handle(easy)
            waiting.append(easy)
        left = len(waiting)
        while left:
            multi.perform()
            _, done, failed = multi.info_read(len(waiting))
            for easy, _, words in failed:
                raise OSError(f"{easy.getinfo(pycurl.EFFECTIVE_URL)}: {words}")
            for easy in done:
                totals[0] += int(easy.getinfo(pycurl.SIZE_DOWNLOAD))
                totals[1] += int(easy.getinfo(pycurl.NUM_CONNECTS))
                multi.remove_handle(easy)
                easy.close()
            left -= len(done)
            if left and not done:
                multi.select(1)
