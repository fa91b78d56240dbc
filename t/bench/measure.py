# SPDX-License-Identifier: BSD-2-Clause
"""What is measured: requests and processor time, system calls, memory."""

import os
import re
import resource
import select
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from servers import pinned


def cpu_seconds(pid):
    """User and system time of all threads: by the scheduler's own clock
    where the kernel tells it, else in ticks."""
    total = 0
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
                total += int(f.read().split()[0])
        if total:
            return total / 1e9
    except (OSError, IndexError):
        pass
    with open("/proc/%d/stat" % pid) as f:
        words = f.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid, *names):
    """The sum of some lines of smaps_rollup (status, for Vm...)."""
    total = 0
    which = "status" if names[0].startswith("Vm") else "smaps_rollup"
    with open("/proc/%d/%s" % (pid, which)) as f:
        for line in f:
            if line.split(":")[0] in names:
                total += int(line.split()[1])
    return total


def private_kb(pid):
    return memory_kb(pid, "Private_Clean", "Private_Dirty")


class Load:
    """One run of wrk: requests, errors and seconds."""

    def __init__(self, url, seconds, core, connections, fields, script):
        command = pinned(core) + ["wrk", "-t1", "-c%d" % connections,
                                  "-d%ds" % seconds, url]
        for field in fields:
            command += ["-H", field]
        if script:
            command += ["-s", script]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        found = re.search(r"(\d+) requests in ([\d.]+)(m?s)", text)
        if not found:
            raise SystemExit("wrk said:\n" + text)
        self.requests = int(found[1])
        self.seconds = float(found[2]) / (1000 if found[3] == "ms" else 1)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        self.errors = int(bad[1]) if bad else 0
        bad = re.search(r"connect (\d+), read (\d+), write (\d+), "
                        r"timeout (\d+)", text)
        self.errors += sum(map(int, bad.groups())) if bad else 0


def load(server, path, seconds, core, connections=64, fields=(),
         scheme="http", script=None):
    """Requests a second, processor seconds a thousand requests, errors."""
    url = "%s://127.0.0.1:%d%s" % (scheme, server.port, path)
    before = cpu_seconds(server.pid)
    run = Load(url, seconds, core, connections, fields, script)
    used = cpu_seconds(server.pid) - before
    return {
        "rate": run.requests / run.seconds,
        "cpu": used / run.requests * 1000 if run.requests else 0,
        "errors": run.errors,
    }


def calls(server, path, seconds, core, connections=64, fields=(),
          scheme="http", script=None):
    """System calls a request, under strace; and the most frequent ones."""
    url = "%s://127.0.0.1:%d%s" % (scheme, server.port, path)
    with tempfile.NamedTemporaryFile("r") as out:
        strace = subprocess.Popen(
            ["strace", "-c", "-f", "-o", out.name, "-p", str(server.pid)],
            stderr=subprocess.PIPE, text=True)
        select.select([strace.stderr], [], [], 3)
        time.sleep(0.1)
        run = Load(url, seconds, core, connections, fields, script)
        strace.send_signal(signal.SIGINT)
        strace.communicate()
        text = out.read()
    table = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[-1] != "total" and words[3].isdigit():
            table[words[-1]] = int(words[3])
    n = max(run.requests, 1)
    often = sorted(table.items(), key=lambda item: -item[1])
    return {
        "calls": sum(table.values()) / n,
        "often": ["%s %.2f" % (name, k / n) for name, k in often
                  if k / n >= 0.005],
    }


def compare(name, both, rounds, one, counted):
    """Measures weir and nginx, which take turns, by one(server), and prints a
    line: the medians, and of what the rounds say of their ratio the median,
    the least and the greatest.  counted(server) gives calls(), or None."""
    found = {s.kind.name: [] for s in both}
    for turn in range(rounds):
        for s in both if turn % 2 == 0 else reversed(both):
            found[s.kind.name].append(one(s))
    weir, nginx = ([r["cpu"] for r in found[n]] for n in ("weir", "nginx"))
    ratios = [n / w for w, n in zip(weir, nginx)]
    print("%-18s weir %7.1f us  nginx %7.1f us  ratio %.2f (%.2f-%.2f)"
          % (name, statistics.median(weir) * 1000,
             statistics.median(nginx) * 1000, statistics.median(ratios),
             min(ratios), max(ratios)))
    for s in both:
        count = counted(s)
        if count:
            print("    %s: %.1f calls: %s" % (s.kind.name, count["calls"],
                                              ", ".join(count["often"])))
        if any(r["errors"] for r in found[s.kind.name]):
            print("    %s: errors" % s.kind.name)


def raise_files(wanted):
    """Room for descriptors, here and in what is started."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(hard, wanted), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (ValueError, OSError):
            continue


def request(sock, path):
    """One request on a kept connection; reads all of a small response."""
    sock.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 % path.encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += sock.recv(65536)
    head, body = got.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
    while len(body) < length:
        body += sock.recv(65536)


def idle(server, empty, path, wanted):
    """Bytes of private memory for each kept connection that is idle, against
    a worker (empty) that has served a request but could not hold as many."""
    kept = []
    try:
        with socket.create_connection(("127.0.0.1", empty.port)) as s:
            request(s, path)
        before = private_kb(empty.pid)
        for i in range(wanted):
            s = socket.create_connection(
                ("127.0.0.1", server.port),
                source_address=("127.0.0.%d" % (i // 5000 + 1), 0))
            request(s, path)
            kept.append(s)
        time.sleep(0.3)
        poll = select.poll()
        for s in kept:
            poll.register(s, select.POLLIN)
        lost = len(poll.poll(0))
        after = private_kb(server.pid)
    finally:
        for s in kept:
            s.close()
    return {"bytes": (after - before) * 1024 / wanted, "lost": lost}


def timed(command):
    """Seconds by the clock and by the processor; SystemExit on failure."""
    start, before = time.monotonic(), resource.getrusage(
        resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit("%s\n%s" % (" ".join(command), done.stderr[:2000]))
    return wall, (after.ru_utime - before.ru_utime
                  + after.ru_stime - before.ru_stime)
