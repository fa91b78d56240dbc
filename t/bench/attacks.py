#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a connection of HTTP/2 costs that only sends frames of one kind, where
http2_limits lets all of them through: processor time and memory of the worker, the
processor time of the longest turn of its loop (turns.c), and the latencies of another
client before and meanwhile.

    t/bench/attacks.py [--frames 100000] [--seconds 1.5] [--kinds pings,...]

With --beside ROUNDS the limits are the default ones, and the attacker comes again
whenever it is cut off: the latency of another client without it and with it, the
median of so many short rounds, and how long it waits for what the worker does for
the attacker, in processor time of the worker.  The attacker is a process of lower
priority.

    t/bench/attacks.py --beside 15 [--seconds 0.5] [--kinds pings,...]
"""

import argparse
import multiprocessing
import os
import select
import signal
import socket
import statistics
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

WORDS = ("resets refused continuations empty tiny pings settings "
         "window_updates priorities others")
EXTRA = ("http2_limits %s;" % " ".join(w + "=1000000000" for w in
                                       WORDS.split()))
TEXT = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log crit;
events { worker_connections %(connections)d; }
http {
    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 100000000;
    client_max_body_size 0;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    http2 on;
    %(extra)s
    server {
        listen 127.0.0.1:%(port)d;
        root %(files)s;
        location = / { return 200 fine; }
        location = /read { proxy_pass http://127.0.0.1:%(port)d/; }
    }
}
"""


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(
        ">BBI", kind, flags, stream) + payload


def text(index, value):
    return bytes([index, len(value)]) + value


def head(method=b"GET", path=b"/"):
    return text(2, method) + b"\x86" + text(4, path) + text(1, b"a.test")


GET = head()
BIG = struct.pack(">I", 0x7fffffff)

# kind: (what begins it, the n-th piece, which may be two frames)
KINDS = {
    "closed windows": (frame(4, 0, 0, struct.pack(">HI", 4, 0)),
                       lambda i: frame(1, 5, i, head(path=b"/big"))),
    "resets": (b"", lambda i: frame(1, 5, i, GET)
               + frame(3, 0, i, struct.pack(">I", 8))),
    "refused, windows": (b"", lambda i: frame(1, 4, i, GET)
                         + frame(8, 0, i, BIG) * 2),
    "refused, fields": (b"", lambda i: frame(1, 5, i, GET + b"\x00\x01A\x01x")),
    "continuations": (frame(1, 1, 1, GET), lambda i: frame(9, 0, 1)),
    "empty": (frame(1, 4, 1, head(b"POST", b"/read")),
              lambda i: frame(0, 0, 1)),
    "tiny": (frame(1, 4, 1, head(b"POST", b"/read")),
             lambda i: frame(0, 0, 1, b"x")),
    "pings": (b"", lambda i: frame(6, 0, 0, b"x" * 8)),
    "settings": (b"", lambda i: frame(4, 0, 0, struct.pack(">HI", 4, 65535))),
    "window_updates": (b"", lambda i: frame(8, 0, 0, struct.pack(">I", 1))),
    "PRIORITY": (b"", lambda i: frame(2, 0, i, struct.pack(">IB", 0, 1))),
    "PRIORITY_UPDATE": (b"", lambda i: frame(
        16, 0, 0, struct.pack(">I", i) + b"u=1")),
    "others": (b"", lambda i: frame(0x55, 0, 0, b"x")),
}
MOST = {"closed windows": 128}
# More streams at once than so many end the connection: the sender waits.
AT_ONCE = 100
WAITS = ("resets",)
PING = frame(6, 0, 0, b"waiting?")


def attack(port, kind, frames):
    """Sends them all, and takes what comes; whether the server took them."""
    start, make = KINDS[kind]
    s = socket.create_connection(("127.0.0.1", port))
    s.setblocking(False)
    out, n = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + start, 0
    waits, got = False, b""
    while out or waits or n < frames:
        if not out and not waits and n < frames:
            out = b"".join(make(2 * i + 3)
                           for i in range(n, min(n + AT_ONCE, frames)))
            n += AT_ONCE
            waits = kind in WAITS
            out += PING if waits else b""
        readable, writable, _ = select.select([s], [s] if out else [], [], 10)
        try:
            if readable:
                got = s.recv(1 << 20)
                waits &= PING[9:] not in got
                if not got:
                    return None
            if writable:
                out = out[s.send(out):]
        except ConnectionError:
            return None
    return s


def ask(port, until, to):
    """Latencies in ms of one request after the other, one every 2 ms."""
    s, all_ = socket.create_connection(("127.0.0.1", port)), []
    while not until.is_set():
        began = time.monotonic()
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        s.recv(65536)
        all_.append((time.monotonic() - began) * 1000)
        time.sleep(0.002)
    to.put(sorted(all_))


class Other:
    """A client beside, in a process of its own."""

    def __enter__(self):
        self.until, self.to = multiprocessing.Event(), multiprocessing.Queue()
        self.one = multiprocessing.Process(
            target=ask, args=(self.port, self.until, self.to))
        self.one.start()
        return self

    def __init__(self, port):
        self.port, self.all = port, []

    def __exit__(self, *_):
        self.until.set()
        self.all = self.to.get()
        self.one.join()

    def at(self, part):
        return self.all[int(len(self.all) * part)] if self.all else 0


LENGTHS, UNIT_MS = 500, 0.01  # as in turns.c


class Turns:
    """The turns of the loop of servers that are started with it."""

    def __init__(self, top):
        self.file = os.path.join(top, "turns")
        library = os.path.join(top, "turns.so")
        self.clear()
        os.chmod(self.file, 0o666)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library,
                        os.path.join(HERE, "turns.c"), "-ldl"], check=True)
        os.environ.update(TURNS=self.file, LD_PRELOAD=library)

    def clear(self):
        with open(self.file, "r+b" if os.path.exists(self.file) else "wb") as f:
            f.write(bytes(8 * (2 + LENGTHS)))

    def longest_ms(self):
        with open(self.file, "rb") as f:
            return struct.unpack("<Q", f.read(8))[0] / 1000

    def wait_ms(self, part):
        """What is left of a turn in which something comes for another client,
        at any moment at which the worker works; in so many of all cases it is
        not more."""
        with open(self.file, "rb") as f:
            of = struct.unpack("<%dQ" % (2 + LENGTHS), f.read())[2:]
        total = sum(n * (i + 0.5) for i, n in enumerate(of))
        for x in range(LENGTHS):
            left = sum(n * (i + 0.5 - x) for i, n in enumerate(of) if i >= x)
            if left <= (1 - part) * total:
                return x * UNIT_MS
        return LENGTHS * UNIT_MS


def row(server, kind, o, turns):
    s = attack(server.port, kind, 1)  # what is used for the first time
    if s:
        s.close()
    with Other(server.port) as before:
        time.sleep(o.seconds)
    cpu, kb = measure.cpu_seconds(server.pid), measure.private_kb(server.pid)
    began = time.monotonic()
    turns.clear()
    with Other(server.port) as during:
        s = attack(server.port, kind, min(o.frames, MOST.get(kind, o.frames)))
        took = time.monotonic() - began
    time.sleep(0.2)
    grown = measure.private_kb(server.pid) - kb
    print("| %s | %.2f | %.1f | %.1f | %d | %.2f, %.1f | %.2f, %.1f |%s" % (
        kind, measure.cpu_seconds(server.pid) - cpu, turns.longest_ms(), took,
        grown,
        before.at(0.5), before.at(0.99), during.at(0.5), during.at(0.99),
        "" if s else " closed"), flush=True)
    if s:
        s.close()


def harass(port, kind, times):
    """Attacks over and over until it is ended; counts the connections."""
    os.nice(19)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        s = attack(port, kind, min(2000, MOST.get(kind, 2000)))
        if s:
            s.close()
        times.value += 1


class Attacker:
    """While it lasts, a process that attacks."""

    def __init__(self, port, kind):
        self.times = multiprocessing.Value("L", 0, lock=False)
        self.one = multiprocessing.Process(target=harass,
                                           args=(port, kind, self.times))

    def __enter__(self):
        self.one.start()
        return self

    def __exit__(self, *_):
        self.one.terminate()
        self.one.join()


def beside(server, kind, o, turns):
    calm, meanwhile, times = [], [], 0
    for _ in range(o.beside):
        with Other(server.port) as other:
            time.sleep(o.seconds)
        calm.append(other.at(0.5))
    turns.clear()
    for _ in range(o.beside):
        with Attacker(server.port, kind) as attacker:
            with Other(server.port) as other:
                time.sleep(o.seconds)
        meanwhile.append(other.at(0.5))
        times += attacker.times.value
    print("| %s | %d | %.2f | %.2f | %.2f | %.2f |" % (
        kind, times / o.beside / o.seconds, statistics.median(calm),
        statistics.median(meanwhile), turns.wait_ms(0.99), turns.longest_ms()),
        flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--frames", type=int, default=100000)
    p.add_argument("--seconds", type=float, default=1.5, help="of calm")
    p.add_argument("--kinds", default=",".join(KINDS).replace(", ", "; "))
    p.add_argument("--beside", type=int, metavar="ROUNDS")
    o = p.parse_args()
    weir = os.path.abspath(os.environ.get("TEST_BINARY")
                           or os.path.join(HERE, "../../build/weir"))
    if o.beside:
        print("| kind | attacks/s | another alone: p50 ms | meanwhile "
              "| p99 of its waits, ms | longest turn, ms |")
    else:
        print("| kind | CPU, s | longest turn, ms | time, s | memory, kB "
              "| another before: p50, p99 ms | meanwhile |")
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        with open(os.path.join(top, "big"), "wb") as f:
            f.write(b"x" * 3000000)
        kind = servers.nginx_like("weir", weir, "" if o.beside else EXTRA,
                                  TEXT)
        turns = Turns(top)
        with servers.Server(kind, top, top, 0, None) as s:
            del os.environ["LD_PRELOAD"]
            for name in o.kinds.split(","):
                (beside if o.beside else row)(s, name.replace("; ", ", "), o,
                                              turns)


if __name__ == "__main__":
    main()
