#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What TLS costs a worker, in weir and nginx: see README.md here.

    t/bench/tls.py [--seconds 2] [--rounds 5] [--points new-rsa,resumed]
                   [--idle 3000]
"""

import argparse
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

TEXT = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections %(connections)d; }
http {
    types { text/plain txt; }
    access_log off;
    sendfile on;
    keepalive_timeout 300s;
    keepalive_requests 100000000;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    ssl_protocols TLSv1.2 TLSv1.3;
    %(extra)s
    server { listen 127.0.0.1:%(port)d ssl http2; root %(files)s; }
}
"""

# name: key of the server, path, fields; RESUMED has a client of its own
CLOSE = ["Connection: close"]
POINTS = {
    "kept-1k": ("ec", "/1k.txt", []),
    "kept-1m": ("ec", "/1m.txt", []),
    "new-ecdsa": ("ec", "/1k.txt", CLOSE),
    "new-rsa": ("rsa", "/1k.txt", CLOSE),
    "resumed": ("ec", "/1k.txt", CLOSE),
}
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        "rsa": ["rsa:2048"]}


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=int, default=2, help="of each point")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--idle", type=int, default=3000)
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--version", default="1.3", help="of TLS, where resumed")
    p.add_argument("--nginx", default="/usr/sbin/nginx")
    o = p.parse_args()
    o.weir = os.path.abspath(os.environ.get("TEST_BINARY")
                             or os.path.join(HERE, "../../build/weir"))
    cores = sorted(os.sched_getaffinity(0))
    o.core, o.wrk_core = (cores[-1], cores[0]) if len(cores) > 1 else (None,
                                                                      None)
    return o


def write_files(top):
    files = os.path.join(top, "files")
    os.makedirs(files)
    for name, size in (("1k", 1024), ("1m", 1024 * 1024)):
        with open(os.path.join(files, name + ".txt"), "w") as f:
            f.write(("x" * 63 + "\n") * (size // 64))
    for name, kind in KEYS.items():
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-newkey"] + kind
                       + ["-keyout", os.path.join(top, name + ".key"),
                          "-out", os.path.join(top, name + ".pem")],
                       check=True, capture_output=True)
    time.sleep(3)  # files that have just changed are not kept open
    return files


def kinds(o, top, key):
    extra = ("ssl_certificate %s/%s.pem; ssl_certificate_key %s/%s.key;"
             % (top, key, top, key))
    return [servers.nginx_like("weir", o.weir, extra, TEXT),
            servers.nginx_like("nginx", o.nginx, extra, TEXT)]


def client_context(version):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    c.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2,
                         "1.3": ssl.TLSVersion.TLSv1_3}[version]
    return c


def exchange(context, port, session, keep=False, source=None):
    """One connection with a request; (socket, whether it was resumed)."""
    s = context.wrap_socket(
        socket.create_connection(("127.0.0.1", port), source_address=source),
        session=session)
    s.sendall(b"GET /1k.txt HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
              % (b"" if keep else b"Connection: close\r\n"))
    got = s.recv(65536)
    while len(got) < 1024 + got.index(b"\r\n\r\n") + 4:
        got += s.recv(65536)
    is_resumed = s.session_reused
    if not keep:
        s.close()
    return s, is_resumed


def frame(kind, flags, stream, bytes_):
    return struct.pack(">I", len(bytes_))[1:] + struct.pack(
        ">BBI", kind, flags, stream) + bytes_


# GET /1k.txt of a browser, whose fields stay in the table of its connection.
HEAD = b"\x82\x87\x04\x07/1k.txt\x41\x09localhost" + b"".join(
    b"\x40" + bytes([len(k)]) + k + bytes([len(v)]) + v for k, v in (
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:109.0) "
         b"Gecko/20100101 Firefox/115.0"),
        (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8"),
        (b"accept-language", b"en-US,en;q=0.5"),
        (b"accept-encoding", b"gzip, deflate, br")))


def exchange_h2(context, port, source=None):
    """The same over HTTP/2, for context with that in its ALPN; the socket."""
    s = context.wrap_socket(
        socket.create_connection(("127.0.0.1", port), source_address=source))
    s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")
              + frame(1, 5, 1, HEAD))
    got, is_over, has_settings = b"", False, False
    while not (is_over and has_settings):
        got += s.recv(65536)
        while len(got) >= 9 and len(got) >= 9 + int.from_bytes(got[:3], "big"):
            kind, flags = got[3], got[4]
            if kind == 4 and not flags & 1:
                s.sendall(frame(4, 1, 0, b""))
                has_settings = True
            is_over |= kind in (0, 1) and flags & 1 == 1
            got = got[9 + int.from_bytes(got[:3], "big"):]
    return s


def resumed(server, o):
    """As measure.load, with a client that resumes one session."""
    context = client_context(o.version)
    first, _ = exchange(context, server.port, None, keep=True)
    session = first.session
    first.close()
    before, n = measure.cpu_seconds(server.pid), 0
    end = time.monotonic() + o.seconds
    while time.monotonic() < end:
        if not exchange(context, server.port, session)[1]:
            raise SystemExit("%s does not resume" % server.kind.name)
        n += 1
    return {"rate": n / o.seconds, "errors": 0,
            "cpu": (measure.cpu_seconds(server.pid) - before) / n * 1000}


def one(server, o, point):
    _, path, fields = POINTS[point]
    if point == "resumed":
        return resumed(server, o)
    return measure.load(server, path, o.seconds, o.wrk_core, o.connections,
                        fields, "https")


def idle_bytes(server, o, is_h2):
    """Private memory of the worker for a connection that has had a response."""
    context, kept = client_context("1.3"), []
    if is_h2:
        context.set_alpn_protocols(["h2"])
    before = 0
    for i in range(o.idle + 100):
        if i == 100:
            before = measure.private_kb(server.pid)
        source = ("127.0.0.%d" % (i // 5000 + 1), 0)
        if is_h2:
            kept.append(exchange_h2(context, server.port, source))
        else:
            kept.append(exchange(context, server.port, None, keep=True,
                                 source=source)[0])
    time.sleep(9)  # ssl_idle_sleep is 3 seconds, and connections are young
    after = measure.private_kb(server.pid)
    for s in kept:
        s.close()
    return (after - before) * 1024 / o.idle


def counted(server, o, point):
    _, path, fields = POINTS[point]
    if point == "resumed":
        return None
    return measure.calls(server, path, 1, o.wrk_core, o.connections, fields,
                         "https")


def run_points(o, top, files):
    for point in o.points.split(","):
        if point not in POINTS:
            continue
        both = [servers.Server(k, top, files, 0, o.core)
                for k in kinds(o, top, POINTS[point][0])]
        measure.compare(point, both, o.rounds, lambda s: one(s, o, point),
                        lambda s: counted(s, o, point))
        for s in both:
            s.stop()


def run_idle(o, top, files):
    for kind in kinds(o, top, "ec"):
        for is_h2 in (False, True):
            with servers.Server(kind, top, files, 0, o.core) as s:
                print("idle%s    %s: %d bytes" % (" h2" if is_h2 else "   ",
                                                  kind.name,
                                                  idle_bytes(s, o, is_h2)))


def main():
    o = options()
    measure.raise_files(o.idle + 1000)
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        files = write_files(top)
        run_points(o, top, files)
        if o.idle:
            run_idle(o, top, files)


if __name__ == "__main__":
    main()
