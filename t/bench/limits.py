#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What limits cost: instructions in user space for each request of a small file
over a kept connection, in the event loop of a single process (master_process off),
counted by callgrind.

    t/bench/limits.py [--binary B] [--requests N]

The first column has all of them, the second one those of the limits (their phase
handlers, with all that these call), which do not depend on how events fall together.
Where others work in /tmp, give it a quiet place (TMPDIR)."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import callgrind  # noqa: E402
import servers  # noqa: E402

ZONES = """
    limit_req_zone $binary_remote_addr zone=req:1m rate=1000000r/s;
    limit_req_zone $remote_prefix zone=net:1m rate=1000000r/s;
    limit_conn_zone $binary_remote_addr zone=conn:1m;
    ban_zone $binary_remote_addr zone=bad:1m;
"""
REQ = "limit_req zone=req burst=1500 nodelay;"
CONN = "limit_conn conn 100;"
BAN = "ban zone=bad on=401,403,404 rate=20r/m;"
POINTS = [
    ("none", None),
    ("zones only", ""),
    ("limit_req", REQ),
    ("limit_conn", CONN),
    ("both", REQ + CONN),
    ("$remote_prefix", REQ.replace("zone=req", "zone=net")),
    ("with headers", REQ + "limit_req_headers on;"),
    ("ban", BAN),
    ("client_min_rate", "client_min_rate 100;"),
]


# With all that they call.
HANDLERS = (r"(?:limit_req\.c:(?:limit_requests|add_headers)"
            r"|limit_conn\.c:(?:limit_connections|end)|ban\.c:(?:check_bans|end)) ")


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
    {ZONES if lines is not None else ""}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/html;
        location / {{ {lines or ""} }}
    }}
}}
"""


def count(out, n):
    """Instructions a request: all, and those of limits."""
    lines = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", out],
        check=True, capture_output=True, text=True).stdout.splitlines()
    total, own = 0, 0
    for line in lines:
        found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)", line)
        if not found:
            continue
        number = int(found[1].replace(",", ""))
        if found[2].startswith("PROGRAM"):
            total = number
        elif re.search(HANDLERS, found[2]):
            own += number
    return total / n, own / n


def instructions(binary, lines, n):
    folder = tempfile.mkdtemp(prefix="weir-limits-")
    try:
        os.mkdir(folder + "/html")
        os.chmod(folder, 0o755)
        with open(folder + "/html/x", "w") as f:
            f.write("x" * 1024)
        port = servers.free_port()
        with open(folder + "/conf", "w") as f:
            f.write(conf(folder, port, lines))
        server = callgrind.Server(binary, folder + "/conf", folder,
                                  folder + "/out")
        try:
            callgrind.ask(callgrind.connect(port), "/x", n)
        finally:
            server.stop()
        return count(folder + "/out", n)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--binary", default=HERE + "/../../build/weir")
    p.add_argument("--requests", type=int, default=2000)
    args = p.parse_args()
    print("| | a request | limits | |\n|---|---|---|---|")
    for name, lines in POINTS:
        total, own = instructions(args.binary, lines, args.requests)
        print(f"| {name} | {total:.0f} | {own:.0f} | {100 * own / total:.1f}% |", flush=True)


if __name__ == "__main__":
    main()
