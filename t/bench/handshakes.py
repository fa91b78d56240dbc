#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What handshakes with a large RSA key do to other clients of the same worker,
without and with ssl_async: see README.md here.

    t/bench/handshakes.py [--seconds 2] [--rounds 3] [--clients 4]
                          [--key rsa:4096] [--threads 2] [--core N]

The binary is $TEST_BINARY, or build/weir.  One worker, on one core with its
threads where --core says so.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

CONF = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
thread_pool keys threads=%(threads)d;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    ssl_certificate %(dir)s/pem;
    ssl_certificate_key %(dir)s/key;
    keepalive_requests 1000000;
    server { listen 127.0.0.1:%(plain)d; return 200 "ok"; }
    server { listen 127.0.0.1:%(off)d ssl; return 200 "ok"; }
    server { listen 127.0.0.1:%(threads_port)d ssl; ssl_async threads=keys; }
}
"""

SHAKER = """
import socket, ssl, sys, time
c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
c.check_hostname, c.verify_mode, n = False, ssl.CERT_NONE, 0
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    s = c.wrap_socket(socket.create_connection(("127.0.0.1",
                                                int(sys.argv[1]))))
    s.close()
    n += 1
print(n)
"""


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--clients", type=int, default=4)
    p.add_argument("--key", default="rsa:4096")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--core", type=int)
    o = p.parse_args()
    o.weir = os.path.abspath(os.environ.get("TEST_BINARY")
                             or os.path.join(HERE, "../../build/weir"))
    return o


def latencies(port, seconds):
    """Of requests over one connection, one each millisecond, in ms."""
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        if not s.recv(4096).startswith(b"HTTP/1.1 200"):
            raise SystemExit("no answer")
        found.append((time.monotonic() - start) * 1000)
        time.sleep(0.001)
    return found


def turn(o, worker, ports, name):
    """Latencies, handshakes, and CPU seconds of the worker."""
    shakers = [subprocess.Popen([sys.executable, "-c", SHAKER,
                                 str(ports[name]), str(o.seconds)],
                                stdout=subprocess.PIPE, text=True)
               for _ in range(o.clients if name != "plain" else 0)]
    before = measure.cpu_seconds(worker)
    time.sleep(0.3)  # until they have started
    found = latencies(ports["plain"], o.seconds - 0.3)
    n = sum(int(s.communicate()[0]) for s in shakers)
    return found, n, measure.cpu_seconds(worker) - before


def show(name, turns):
    text = ["%-8s" % name]
    for word, at in (("p50", 0.5), ("p99", 0.99), ("max", 1)):
        each = [sorted(f)[min(int(len(f) * at), len(f) - 1)]
                for f, _, _ in turns]
        text.append("%s %6.2f ms" % (word, statistics.median(each)))
    n = sum(n for _, n, _ in turns)
    if n:
        text.append("%5d handshakes, %.2f ms CPU each"
                    % (n, sum(c for _, _, c in turns) / n * 1000))
    print("  ".join(text))


def main():
    o = options()
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "30",
                        "-subj", "/CN=a", "-newkey", o.key, "-keyout",
                        top + "/key", "-out", top + "/pem"], check=True,
                       capture_output=True)
        ports = {k: servers.free_port() for k in ("plain", "off", "threads")}
        with open(top + "/conf", "w") as f:
            f.write(CONF % {"dir": top, "user": "user root;" if os.getuid() == 0 else "",
                            "threads": o.threads, "plain": ports["plain"],
                            "off": ports["off"],
                            "threads_port": ports["threads"]})
        p = subprocess.Popen(servers.pinned(o.core)
                             + [o.weir, "-p", top, "-c", top + "/conf"])
        try:
            time.sleep(1)
            with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
                worker = int(f.read().split()[0])
            found = {k: [] for k in ports}
            for _ in range(o.rounds):
                for name in ports:
                    found[name].append(turn(o, worker, ports, name))
            for name in ports:
                show(name, found[name])
        finally:
            p.terminate()
            p.wait()


if __name__ == "__main__":
    main()
