#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What limits cost: instructions in user space for each request of a small file
over a kept connection, counted by callgrind, which other load does not change.

    t/bench/limits.py [--binary B] [--requests N]

Each configuration is run twice, with N and 3 N requests; the difference is without
the start.  The process is a single one (master_process off)."""

import argparse
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

ZONES = """
    limit_req_zone $binary_remote_addr zone=req:1m rate=1000000r/s;
    limit_req_zone $remote_prefix zone=net:1m rate=1000000r/s;
    limit_conn_zone $binary_remote_addr zone=conn:1m;
    ban_zone $binary_remote_addr zone=bad:1m;
"""
REQ = "limit_req zone=req burst=1000 nodelay;"
CONN = "limit_conn conn 100;"
BAN = "ban zone=bad on=401,403,404 rate=20r/m;"
POINTS = [
    ("none", ""),
    ("limit_req", REQ),
    ("limit_conn", CONN),
    ("both", REQ + CONN),
    ("$remote_prefix", REQ.replace("zone=req", "zone=net")),
    ("with headers", REQ + "limit_req_headers on;"),
    ("ban", BAN),
    ("client_min_rate", "client_min_rate 100;"),
]


def conf(folder, port, lines):
    return f"""
daemon off; master_process off;
pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    {ZONES}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/html;
        location / {{ {lines} }}
    }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def connect(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not listen")


def ask(port, n):
    s = connect(port)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = b"GET /x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    size = None
    for _ in range(n):
        s.sendall(request)
        got = s.recv(65536)
        if not got.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(got.decode(errors="replace"))
        size = size or len(got)
        while len(got) < size:
            got += s.recv(65536)
    s.close()


def instructions(binary, lines, n):
    folder = tempfile.mkdtemp(prefix="weir-limits-")
    try:
        os.mkdir(folder + "/html")
        os.chmod(folder, 0o755)
        with open(folder + "/html/x", "w") as f:
            f.write("x" * 1024)
        port = free_port()
        with open(folder + "/conf", "w") as f:
            f.write(conf(folder, port, lines))
        server = subprocess.Popen(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             binary, "-c", folder + "/conf"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            ask(port, n)
        finally:
            server.terminate()
            server.wait(60)
        with open(folder + "/out") as f:
            return int(re.search(r"^(?:summary|totals): (\d+)", f.read(), re.M).group(1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--binary", default=here + "/../../build/weir")
    p.add_argument("--requests", type=int, default=2000)
    args = p.parse_args()
    base = None
    print("| | instructions a request | more than without | |\n|---|---|---|---|")
    for name, lines in POINTS:
        few = instructions(args.binary, lines, args.requests)
        many = instructions(args.binary, lines, 3 * args.requests)
        each = (many - few) / (2 * args.requests)
        base = base or each
        print(f"| {name} | {each:.0f} | {each - base:.0f} | {100 * (each - base) / base:.1f}% |",
              flush=True)


if __name__ == "__main__":
    main()
