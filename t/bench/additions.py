#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What it costs to add a server by the API: see README.md here.

    python3 t/bench/additions.py [--servers 500,2000] [--names]

The binary is $TEST_BINARY, or build/weir.  Counted are instructions (callgrind),
of a group that has so many servers when one is added.
"""

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import servers  # noqa: E402

FEW, MANY = 1, 6

CONF = """
daemon off;
master_process off;
pid %(dir)s/pid;
error_log %(dir)s/log crit;
events { }
http {
    access_log off;
    upstream u { zone u 32m; %(servers)s }
    server {
        listen 127.0.0.1:%(port)d;
        location / { proxy_pass http://u; }
        location /api { api write=on; }
    }
}
"""


def lines(n, names):
    if names:
        return "resolver 127.0.0.1:1; " + " ".join(
            f"server h{i}.test:9 resolve;" for i in range(n))
    return " ".join(f"server 127.0.{i // 250}.{1 + i % 250}:9;"
                    for i in range(n))


def wait_for(port):
    for _ in range(900):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("it does not start")


def add(port, i):
    url = f"http://127.0.0.1:{port}/api/9/http/upstreams/u/servers"
    data = json.dumps({"server": f"127.1.0.{i + 1}:9"}).encode()
    urllib.request.urlopen(urllib.request.Request(url, data=data),
                           timeout=60).read()


def instructions(folder, n, additions, names):
    port = servers.free_port()
    conf, out = os.path.join(folder, "conf"), os.path.join(folder, "out")
    with open(conf, "w") as file:
        file.write(CONF % {"dir": folder, "port": port,
                           "servers": lines(n, names)})
    binary = os.environ.get("TEST_BINARY", "build/weir")
    process = subprocess.Popen(
        ["valgrind", "--tool=callgrind", "--toggle-collect=api_servers",
         f"--callgrind-out-file={out}", binary, "-p", folder, "-c", conf,
         "-e", folder + "/log"], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        for i in range(additions):
            add(port, i)
    finally:
        process.terminate()
        process.wait()
    with open(out) as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(),
                             re.M).group(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", default="500,2000")
    parser.add_argument("--names", action="store_true")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="weir-additions-")
    try:
        for n in map(int, args.servers.split(",")):
            few, many = (instructions(folder, n, additions, args.names)
                         for additions in (FEW, MANY))
            print(f"{n:6} servers: {(many - few) // (MANY - FEW):12,}"
                  " instructions an addition")
    finally:
        shutil.rmtree(folder)


main()
