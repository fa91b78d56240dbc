#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What many certificates cost: see README.md here.

    python3 t/bench/certificates.py [--servers 1000] [--reloads 5]
                                    [--only weir] [--pki FOLDER]

The binary is $TEST_BINARY, or build/weir.  Two workers.  While it is being
reloaded, one client makes a new connection for each request, another one asks
over a kept connection.
"""

import argparse
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

CONF = """
%(user)s
daemon off;
worker_processes 2;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 512; }
http {
    access_log off;
    server_names_hash_max_size 16384;
    server_names_hash_bucket_size 128;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    ssl_session_cache shared:S:1m;
    keepalive_requests 1000000;
"""

SERVER = """
    server {
        listen 127.0.0.1:%(port)d ssl;
        server_name s%(n)d.test;
        ssl_certificate %(pki)s/s%(n)d.pem;
        ssl_certificate_key %(pki)s/s%(n)d.key;
        location / { return 200 "%(word)d"; }
    }
"""


def make_pki(folder, n):
    """EC certificates s1 ... sN, with one above them."""
    def openssl(*words):
        subprocess.run(("openssl",) + words, check=True, capture_output=True,
                       cwd=folder)
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
          "-nodes", "-days", "3650")
    if not os.path.exists(os.path.join(folder, "ca.pem")):
        openssl("req", "-x509", *ec, "-subj", "/CN=ca", "-keyout", "ca.key",
                "-out", "ca.pem")
    with open(os.path.join(folder, "ca.pem")) as f:
        above = f.read()
    for i in range(1, n + 1):
        if os.path.exists(os.path.join(folder, "s%d.pem" % i)):
            continue
        openssl("req", "-x509", *ec, "-subj", "/CN=s%d.test" % i, "-addext",
                "subjectAltName=DNS:s%d.test" % i, "-CA", "ca.pem", "-CAkey",
                "ca.key", "-keyout", "s%d.key" % i, "-out", "s%d.pem" % i)
        with open(os.path.join(folder, "s%d.pem" % i), "a") as f:
            f.write(above)


class Server:
    def __init__(self, program, folder, n, pki, user):
        self.program, self.folder, self.n, self.pki = program, folder, n, pki
        self.port, self.user = servers.free_port(), user
        self.conf = os.path.join(folder, "conf")
        self.write(1)
        self.process = None

    def write(self, word):
        with open(self.conf, "w") as f:
            f.write(CONF % {"dir": self.folder, "user": self.user})
            for n in range(1, self.n + 1):
                f.write(SERVER % {"port": self.port, "n": n, "pki": self.pki,
                                  "word": word})
            f.write("}\n")

    def start(self):
        """Seconds until the first handshake."""
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [self.program, "-p", self.folder, "-c", self.conf],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.process.poll() is None:
            try:
                self.connect(1).close()
                return time.monotonic() - begin
            except OSError:
                time.sleep(0.002)
        raise SystemExit(open(os.path.join(self.folder, "error.log")).read())

    def connect(self, n):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        s = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(s, server_hostname="s%d.test" % n)

    def memory_kb(self, pids):
        return sum(measure.memory_kb(p, "Pss") for p in pids)

    def all(self):
        return [self.process.pid] + servers.children(self.process.pid)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def answer(s, n):
    s.sendall(b"GET / HTTP/1.1\r\nHost: s%d.test\r\n\r\n" % n)
    text = b""
    while b"\r\n\r\n" not in text or text.endswith(b"\r\n\r\n"):
        more = s.recv(4096)
        if not more:
            raise OSError("closed")
        text += more
    return int(text.rsplit(b"\r\n", 1)[1])


class Clients:
    """One that connects anew, and one that stays connected."""

    def __init__(self, server):
        self.server, self.stop = server, threading.Event()
        self.made = self.failed = self.closed = self.asked = 0
        self.word = 0
        self.threads = [threading.Thread(target=f) for f in (self.anew,
                                                             self.kept)]
        for t in self.threads:
            t.start()

    def anew(self):
        n = 0
        while not self.stop.is_set():
            n = n % self.server.n + 1
            try:
                with self.server.connect(n) as s:
                    self.word = answer(s, n)
                self.made += 1
            except OSError:
                self.failed += 1

    def kept(self):
        s = None
        while not self.stop.is_set():
            try:
                s = s or self.server.connect(1)
                answer(s, 1)
                self.asked += 1
            except OSError:
                self.closed, s = self.closed + 1, None
            time.sleep(0.005)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


def reload(server, word, clients):
    """Seconds until a new connection is served by the new configuration, and
    the processor's until then."""
    server.write(word)
    pids = server.all()
    before = {p: measure.cpu_seconds(p) for p in pids}
    begin = time.monotonic()
    server.process.send_signal(signal.SIGHUP)
    while clients.word != word and time.monotonic() < begin + 30:
        time.sleep(0.005)
    wall = time.monotonic() - begin
    return wall, measure.cpu_seconds(pids[0]) - before[pids[0]]


def run(name, program, o, top):
    folder = os.path.join(top, name)
    os.makedirs(folder)
    user = "user root;" if os.getuid() == 0 else ""
    server = Server(program, folder, o.servers, o.pki, user)
    tests = [measure.timed([program, "-t", "-p", folder, "-c", server.conf])
             for _ in range(3)]
    print("%-6s -t %.3f s (%.3f s of processor)" % ((name,) + sorted(tests)[1]))
    starts = []
    for _ in range(3):
        starts.append(server.start())
        time.sleep(0.3)
        kb = server.memory_kb(server.all())
        server.stop()
    print("%-6s start to the first handshake %.3f s, memory of all processes "
          "%.1f MB" % (name, sorted(starts)[1], kb / 1024))
    server.start()
    clients = Clients(server)
    while clients.word == 0:
        time.sleep(0.01)
    found = []
    for i in range(o.reloads):
        time.sleep(0.5)
        found.append(reload(server, i + 2, clients))
    time.sleep(0.5)
    clients.end()
    print("%-6s reload under load: served after %.3f s, master %.3f s of "
          "processor; %d handshakes, %d failed; %d requests on a kept "
          "connection, closed %d times"
          % (name, statistics.median(w for w, _ in found),
             statistics.median(c for _, c in found), clients.made,
             clients.failed, clients.asked, clients.closed))
    for n in range(1, o.servers + 1):
        server.connect(n).close()
    print("%-6s memory when each has been asked for: %.1f MB"
          % (name, server.memory_kb(server.all()) / 1024))
    server.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--servers", type=int, default=1000)
    p.add_argument("--reloads", type=int, default=5)
    p.add_argument("--only", default="weir,nginx")
    p.add_argument("--pki", help="where certificates are kept")
    o = p.parse_args()
    weir = os.environ.get("TEST_BINARY") or os.path.join(
        HERE, "../../build/weir")
    top = tempfile.mkdtemp(prefix="weir-bench-")
    try:
        o.pki = os.path.abspath(o.pki or os.path.join(top, "pki"))
        os.makedirs(o.pki, exist_ok=True)
        make_pki(o.pki, o.servers)
        for name, program in (("weir", os.path.abspath(weir)),
                              ("nginx", "/usr/sbin/nginx")):
            if name in o.only.split(",") and os.access(program, os.X_OK):
                run(name, program, o, top)
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
