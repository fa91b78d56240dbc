#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a reload of a large configuration costs: see README.md here.

    python3 t/bench/reload.py [--reloads 10] [--servers 2000] [--only weir]

The binary is $TEST_BINARY, or build/weir.  One worker; a client asks over a
kept connection again and again, another one with a new connection for each
request.  The processor time is that of reloads without clients.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import large  # noqa: E402
import measure  # noqa: E402
import servers  # noqa: E402

AROUND = 0.3   # seconds of load before a reload is asked for
LIMIT = 30.0   # seconds until it must be served
AFTER = 0.7    # seconds of load after that


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--reloads", type=int, default=10)
    p.add_argument("--servers", type=int, default=large.SERVERS)
    p.add_argument("--only", default="weir,nginx")
    o = p.parse_args()
    weir = os.environ.get("TEST_BINARY") or os.path.join(
        HERE, "../../build/weir")
    o.programs = [(n, b) for n, b in (("weir", os.path.abspath(weir)),
                                      ("nginx", "/usr/sbin/nginx"))
                  if n in o.only.split(",") and os.access(b, os.X_OK)]
    return o


# ---- the clients --------------------------------------------------------------

def connect(port):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def answer(s, request):
    """The word that it ends with; None: the connection was closed."""
    s.sendall(request)
    text = b""
    while not text.endswith(b"!"):
        more = s.recv(4096)
        if not more:
            return None
        text += more
    return int(text.rsplit(b" ", 1)[1][:-1])


def ask(port, keeps, stop, results):
    """Each time at which an answer came, with its word, and how often the
    connection was closed."""
    request = b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % (
        b"" if keeps else b"Connection: close\r\n")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seen, closed, failed, s = [], 0, 0, None
    while not stop.is_set():
        try:
            s = s or connect(port)
            word = answer(s, request)
        except OSError:
            word, failed = None, failed + (0 if keeps else 1)
        if word is None:
            closed += 1
        else:
            seen.append((time.monotonic(), word))
        if word is None or not keeps:
            s, _ = None, s and s.close()
    results.put((keeps, seen, closed if keeps else failed))


class Clients:
    def __init__(self, port):
        self.stop = multiprocessing.Event()
        self.results = multiprocessing.Queue()
        self.processes = [
            multiprocessing.Process(target=ask, args=(port, keeps, self.stop,
                                                      self.results))
            for keeps in (True, False)]
        for p in self.processes:
            p.start()

    def end(self):
        self.stop.set()
        found = dict((k, (seen, bad)) for k, seen, bad in
                     (self.results.get() for _ in self.processes))
        for p in self.processes:
            p.join()
        return found


def longest_gap(seen, begin, end):
    times = [t for t, _ in seen if begin <= t <= end]
    return max((b - a for a, b in zip(times, times[1:])), default=0) * 1000


# ---- the server -----------------------------------------------------------------

class Server:
    def __init__(self, program, folder, n_servers):
        self.conf = os.path.join(folder, "conf")
        self.words = {"dir": folder, "port": servers.free_port(),
                      "user": "user root;" if os.getuid() == 0 else ""}
        self.n_servers = n_servers
        self.word = 0
        self.write()
        self.process = subprocess.Popen(
            [program, "-p", folder, "-c", self.conf],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    @property
    def port(self):
        return self.words["port"]

    def write(self):
        self.word += 1
        text = large.text(self.words, self.n_servers).replace(
            "default_server; }",
            'default_server; keepalive_requests 100000000;'
            ' location / { return 200 "word %d!"; } }' % self.word, 1)
        with open(self.conf + ".new", "w") as f:
            f.write(text)
        os.rename(self.conf + ".new", self.conf)

    def says(self):
        try:
            with connect(self.port) as s:
                return answer(s, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        except OSError:
            return None

    def wait(self):
        end = time.monotonic() + LIMIT
        while self.says() != self.word:
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit("the server does not serve")
            time.sleep(0.01)

    def reload(self):
        """The moment in which it is asked for."""
        self.write()
        at = time.monotonic()
        self.process.send_signal(signal.SIGHUP)
        return at

    def settled(self):
        """Old workers have gone."""
        end = time.monotonic() + LIMIT
        while (len(servers.children(self.process.pid)) > 1
               and time.monotonic() < end):
            time.sleep(0.02)

    def cpu(self):
        """Seconds of the master, and of all its workers so far."""
        pid = self.process.pid
        with open("/proc/%d/stat" % pid) as f:
            words = f.read().rsplit(")", 1)[1].split()
        ended = (int(words[13]) + int(words[14])) / os.sysconf("SC_CLK_TCK")
        return (measure.cpu_seconds(pid),
                ended + sum(measure.cpu_seconds(c)
                            for c in servers.children(pid)))

    def end(self):
        self.process.terminate()
        self.process.wait()


# ---- measuring --------------------------------------------------------------------

def under_load(server):
    """One reload: when it was served, and the longest gaps."""
    clients = Clients(server.port)
    time.sleep(0.2)
    quiet = time.monotonic()
    time.sleep(AROUND + AFTER)
    at = server.reload()
    server.wait()
    time.sleep(AFTER)
    end = time.monotonic()
    found = clients.end()
    (kept, closed), (new, failed) = found[True], found[False]
    first = min((t for t, w in kept + new if w == server.word), default=end)
    last = max((t for t, w in kept + new if w != server.word), default=at)
    return {
        "first": (first - at) * 1000,
        "last": (last - at) * 1000,
        "gap": longest_gap(kept, at, end),
        "gap before": longest_gap(kept, quiet, at),
        "new gap": longest_gap(new, at, end),
        "closed": closed,
        "failed": failed,
    }


def run(name, program, o):
    folder = tempfile.mkdtemp(prefix="weir-bench-")
    server = Server(program, folder, o.servers)
    try:
        time.sleep(0.5)
        before = server.cpu()
        for _ in range(o.reloads):
            server.reload()
            server.wait()
            server.settled()
            time.sleep(0.1)
        used = [(b - a) / o.reloads * 1000
                for a, b in zip(before, server.cpu())]
        rounds = []
        for _ in range(o.reloads):
            rounds.append(under_load(server))
            server.settled()
    finally:
        server.end()
        shutil.rmtree(folder)

    def middle(key):
        return statistics.median(r[key] for r in rounds)

    print("%-6s served after %.0f ms, the former one until %.0f ms; "
          "master %.0f ms, workers %.1f ms of processor" % (
              name, middle("first"), middle("last"), used[0], used[1]))
    print("%-6s longest gap: %.1f ms (worst %.1f), %.1f before; "
          "new connections %.1f ms; closed %d, failed %d" % (
              "", middle("gap"), max(r["gap"] for r in rounds),
              middle("gap before"), middle("new gap"),
              sum(r["closed"] for r in rounds),
              sum(r["failed"] for r in rounds)))


def main():
    o = options()
    print("%d reloads of %d servers with %d locations each" % (
        o.reloads, o.servers, large.LOCATIONS))
    for name, program in o.programs:
        run(name, program, o)


if __name__ == "__main__":
    main()
