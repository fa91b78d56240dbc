#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a call of gRPC costs a worker, in weir and nginx: HTTP/2 on both sides,
a message of 100 bytes, answered by nginx: see README.md here.

    t/bench/grpc.py [--seconds 2] [--rounds 5] [--points unary,many]
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

TEXT = """
daemon off;
pid %(dir)s/pid;
error_log stderr error;
worker_processes 1;
%(user)s
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path %(dir)s/body;
    proxy_temp_path %(dir)s/proxy;
    fastcgi_temp_path %(dir)s/fastcgi;
    uwsgi_temp_path %(dir)s/uwsgi;
    scgi_temp_path %(dir)s/scgi;
    keepalive_requests 1000000000;
    http2_max_concurrent_streams 1024;
    %(extra)s
    server {
        listen 127.0.0.1:%(port)d%(on)s;
        %(server)s
    }
}
"""
BACKEND = """
        location / { default_type application/grpc;
            add_trailer grpc-status 0;
            return 200 "12345678901234567890"; }
"""
FRONT = """
        location /unary { grpc_pass kept; }
        location /many { %(many)s grpc_pass shared; }
"""
GROUPS = """
    upstream kept { server 127.0.0.1:%(port)d; keepalive 256;
                    keepalive_requests 1000000000; }
    upstream shared { server 127.0.0.1:%(port)d; keepalive 256;
                      keepalive_requests 1000000000; }
"""
POINTS = ("unary", "many")


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=int, default=2, help="of each point")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--nginx", default="/usr/sbin/nginx")
    o = p.parse_args()
    o.weir = os.path.abspath(os.environ.get("TEST_BINARY")
                             or os.path.join(HERE, "../../build/weir"))
    cores = sorted(os.sched_getaffinity(0))
    o.core, o.load_core = (cores[-1], cores[0]) if len(cores) > 1 else (None,
                                                                       None)
    return o


def kind(name, program, server, extra=""):
    on = "; http2 on" if name == "weir" else " http2"  # of nginx 1.22
    text = TEXT.replace("%(on)s", on).replace("%(extra)s", extra)
    text = text.replace("%(server)s", server)
    return servers.nginx_like(name, program, text=text)


def load(o, body, server, point):
    """As measure.load, of h2load: 4 connections with 32 calls each."""
    command = servers.pinned(o.load_core) + [
        "h2load", "-D", str(o.seconds), "-c", "4", "-m", "32", "-d", body,
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        "http://127.0.0.1:%d/%s" % (server.port, point)]
    before = measure.cpu_seconds(server.pid)
    out = subprocess.run(command, capture_output=True, text=True).stdout
    used = measure.cpu_seconds(server.pid) - before
    found = re.search(r"(\d+) done, (\d+) succeeded", out)
    rate = re.search(r"([\d.]+) req/s", out)
    good = re.search(r"status codes: (\d+) 2xx", out)
    if not found or not rate or not good or not int(good[1]):
        raise SystemExit("h2load said:\n" + out)
    return {"rate": float(rate[1]), "cpu": used / int(good[1]) * 1000,
            "errors": int(found[1]) - int(good[1])}


def main():
    o = options()
    measure.raise_files(4000)
    with contextlib.ExitStack() as stack:
        top = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(top, 0o755)
        body = os.path.join(top, "message")
        with open(body, "wb") as f:
            f.write(b"\0\0\0\0\x64" + b"x" * 100)
        backend = stack.enter_context(servers.Server(
            kind("backend", o.nginx, BACKEND), top, top, 0, o.load_core))
        groups = GROUPS % {"port": backend.port}
        both = [stack.enter_context(servers.Server(
            kind(name, program, FRONT % {"many": many}, groups),
            top, top, 0, o.core))
            for name, program, many in (
                ("weir", o.weir, "grpc_http2_max_concurrent 128;"),
                ("nginx", o.nginx, ""))]
        for point in o.points.split(","):
            measure.compare(point, both, o.rounds,
                            lambda s: load(o, body, s, point),
                            lambda s: None)


if __name__ == "__main__":
    main()
