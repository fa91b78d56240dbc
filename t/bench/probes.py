#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What active health checks cost: see README.md here.

    python3 t/bench/probes.py [--upstreams 100] [--servers 50] [--seconds 10]

The binary is $TEST_BINARY, or build/weir.  One process answers, and another one
with one worker asks each server of each upstream every five seconds; counted is
the CPU time of that worker, which has nothing else to do.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import servers  # noqa: E402

INTERVAL = 5

HEAD = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid %(dir)s/%(name)s.pid;
error_log %(dir)s/%(name)s.log crit;
events { worker_connections 16000; }
http {
    access_log off;
    keepalive_requests 1000000;
    keepalive_timeout 600s;
"""


def backend(ports):
    listens = " ".join(f"listen 127.0.0.1:{p};" for p in ports)
    return f"server {{ {listens} location / {{ return 200 ok; }} }} }}"


def checking(port, ports, upstreams, words):
    peers = " ".join(f"server 127.0.0.1:{p};" for p in ports)
    groups = "\n".join(f"upstream u{i} {{ {peers} }}" for i in range(upstreams))
    places = "\n".join(
        f"location /u{i}/ {{ proxy_pass http://u{i};"
        f" health_check interval={INTERVAL}s {words}; }}"
        for i in range(upstreams))
    return f"{groups} server {{ listen 127.0.0.1:{port}; {places} }} }}"


class Weir:
    def __init__(self, folder, name, text):
        binary = os.environ.get("TEST_BINARY", "build/weir")
        conf = os.path.join(folder, name + ".conf")
        with open(conf, "w") as out:
            out.write(HEAD % {"dir": folder, "name": name} + text)
        self.process = subprocess.Popen(
            [binary, "-p", folder, "-c", conf, "-e", f"{folder}/{name}.log"])
        time.sleep(0.5)
        self.worker = servers.children(self.process.pid)[0]

    def cpu_us(self):
        with open(f"/proc/{self.worker}/schedstat") as file:
            return int(file.read().split()[0]) / 1000

    def stop(self):
        self.process.terminate()
        self.process.wait()


def measure(folder, name, ports, args, words):
    weir = Weir(folder, name, checking(servers.free_port(), ports,
                                       args.upstreams, words))
    time.sleep(INTERVAL + 2)
    before = weir.cpu_us()
    time.sleep(args.seconds)
    used = weir.cpu_us() - before
    weir.stop()
    probes = args.upstreams * args.servers / INTERVAL * args.seconds
    print(f"{name:18} {used / probes:5.1f} us a probe,"
          f" {used / args.seconds / 1e4:.2f}% of a core")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstreams", type=int, default=100)
    parser.add_argument("--servers", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="weir-probes-")
    ports = [servers.free_port() for _ in range(args.servers)]
    answers = Weir(folder, "answers", backend(ports))
    try:
        measure(folder, "new-connections", ports, args, "")
        measure(folder, "kept-connections", ports, args, "keepalive_time=1h")
    finally:
        answers.stop()
        shutil.rmtree(folder)


main()
