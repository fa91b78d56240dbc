#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""compare.py --corpus DIR --binary B [--least N M] NAME...

Holds "weir explain" against the server: each configuration of the corpus is
prepared and started as the corpus's probe.py does, and each request of its
probes is first explained and then sent.  What must be the same: the location,
the status, the request lines that upstreams get, and the header fields that
the configuration adds.

Prints "ok NAME: REQUEST" or "not ok NAME: REQUEST" with what differs under it,
and the plan at the end: TAP.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import sys
import time

# What makes an upstream answer otherwise than explain takes it to answer.
STEERED = re.compile(r"location|cookie|accel|auth|range|cc=|vary|hdr")
# The first of the ports that probe.py takes.
BASE = 21500
# Values of the moment, or of what the upstream said.
VARYING = re.compile(r"\$(upstream|sent_http|request_id|request_time|msec|time|"
                     r"connection|remote_port|bytes|body_bytes|pid|uid)")

BLOCK = re.compile(r"(?m)^([ \t]*http\s*\{)")
LOGGED = ("log_format explained escape=none '$status|$matched_location'; "
          "access_log %s/explained.log explained; ")


def rewrite(folder):
    """All requests are logged with their location, whatever else is; whether
    the configuration is written so that this can be done."""
    is_done = False
    for top, _, files in os.walk(os.path.join(folder, "conf")):
        for name in files:
            path = os.path.join(top, name)
            try:
                text = open(path, encoding="utf-8").read()
            except (UnicodeDecodeError, OSError):
                continue
            new = re.sub(r"(?<![\w#$.-])access_log\s[^;{}]*;", "", text)
            new = re.sub(r"(?<![\w#$.-])log_not_found\s[^;{}]*;", "", new)
            if name == "nginx.conf":
                new, n = BLOCK.subn(lambda m: m.group(1) + " " + LOGGED % folder, new, 1)
                is_done |= n > 0
            if new != text:
                open(path, "w", encoding="utf-8").write(new)
    return is_done


def explain(run, binary, listen, probe):
    host = probe["host"]
    url = "http://127.0.0.1:%d%s" % (listen["port"], probe["path"])
    cmd = [binary, "explain", "%s %s" % (probe["method"], url), "--json",
           "-p", run.tmp + "/", "-c", "conf/nginx.conf"]
    headers = dict(probe["headers"])
    body = headers.pop(":body", None)
    spec = headers.get("X-Stub", "")
    status = re.match(r"status=(\d+)", spec)
    if status:
        cmd += ["--status", status.group(1)]
    if host != "-":
        cmd += ["-H", "Host: " + host]
    if "connection" not in {h.lower() for h in headers}:
        cmd += ["-H", "Connection: close"]
    for name, value in headers.items():
        cmd += ["-H", "%s: %s" % (name, value)]
    if body is not None:
        cmd += ["-H", "Content-Length: %d" % len(body)]
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=30, env=dict(os.environ, TZ="UTC"))
    if r.returncode != 0:
        return None, r.stderr.decode("utf-8", "replace")
    return json.loads(r.stdout.decode("utf-8")), ""


def fits(info, probe):
    """Whether explain can know what is going to be answered."""
    listen = info["listens"].get(probe["listen"])
    headers = probe["headers"]
    if listen is None or not listen["tcp"] or "port" not in listen:
        return False
    if listen["ssl"] or listen["pp"] or probe["method"] == "TCP":
        return False
    if any(h.startswith(":") and h != ":body" for h in headers):
        return False
    if headers.get("Expect") or headers.get("Transfer-Encoding"):
        return False
    if not probe["path"].startswith("/") or re.search(r"[^!-~]", probe["path"]):
        return False
    return not STEERED.search(headers.get("X-Stub", ""))


def last_line(path, before):
    """The line of the log that came since, once it is there."""
    end = time.time() + 3
    while time.time() < end:
        text = open(path, encoding="latin-1").read()
        lines = text[before:].splitlines()
        if lines:
            return lines[-1]
        time.sleep(0.005)
    return None


def asked(said):
    """The request lines that HTTP upstreams are asked, in the order of asking;
    others get parameters."""
    lines = [s["what"].split("\r\n")[0] for s in said["steps"]
             if s["kind"] == "upstream" and s["verdict"] == "request"]
    return [line for line in lines if re.search(r" HTTP/\d\.\d\Z", line)]


def compare(said, line, answer):
    wrong = []
    status, location = line.split("|", 1)
    name = said["location"]["name"] if said["location"] else ""
    if name != location:
        wrong.append("location: explained %r, was %r" % (name, location))
    lines = asked(said)
    seen = [u["line"] for u in answer["upstream"] if u.get("proto") == "http"]
    if sorted(lines) != sorted(seen):
        wrong.append("upstream: explained %r, was %r" % (lines, seen))
    if not answer["status"].startswith("HTTP/"):
        return wrong
    # An upstream that switches protocols is more than an answer.
    if int(status) != said["response"]["status"] and status != "101":
        wrong.append("status: explained %s, was %s"
                     % (said["response"]["status"], status))
    return wrong + compare_headers(said, answer)


def compare_headers(said, answer):
    wrong = []
    got = answer["headers"]
    explained = {}
    for name, value in said["response"]["headers"]:
        explained.setdefault(name.lower(), []).append(value)
    for h in said["response"]["added"]:
        name, _, value = h["text"].partition(": ")
        if name.lower() in ("etag", "server", "last-modified", "expires", "set-cookie"):
            continue
        if name.lower() not in got:
            wrong.append("explained %r, is not there" % h["text"])
        elif value not in got[name.lower()] and not is_varying(h) \
                and value not in ", ".join(got[name.lower()]):
            wrong.append("explained %r, was %r" % (h["text"], got[name.lower()]))
    for h in said["response"]["dropped"] + said["response"]["left_out"]:
        name = (h["text"].split() + ["", ""])[1].strip('"').lower()
        if name in got and name not in explained \
                and name not in ("x-upstream", "x-powered-by", "content-type"):
            wrong.append("explained %r as not there, was %r" % (h["text"], got[name]))
    return wrong


def is_varying(h):
    """The line of the configuration says so."""
    try:
        text = open(h["file"], encoding="utf-8").read().splitlines()[h["line"] - 1]
    except (KeyError, OSError, IndexError):
        return False
    return bool(VARYING.search(text)) or re.search(r"\d{5}", h["text"]) is not None


def ask(run, client, log, said, p):
    """Sends the request; what is not as it was explained."""
    before = os.path.getsize(log)
    answer = client.single(p, run.stubs)
    line = last_line(log, before)
    if line is None:
        return ["nothing was logged"]
    return compare(said, line, answer)


def entry(probe_py, binary, path, name, say):
    # probe.py itself may run beside this.
    with probe_py.Run(binary, path, base=BASE) as run:
        if not rewrite(run.tmp):
            return 0
        if not run.start():
            say(False, "%s: starts" % name, ["it does not"])
            return 0
        log = os.path.join(run.tmp, "explained.log")
        client = probe_py.Client(run.info, "\0")
        n = 0
        for p in probe_py.read_probes(os.path.join(path, "probe.tsv")):
            if not fits(run.info, p):
                continue
            listen = run.info["listens"][p["listen"]]
            said, error = explain(run, binary, listen, p)
            what = "%s: %s %s %s" % (name, p["method"], p["host"], p["path"])
            n += 1
            if said is None:
                say(False, what, [error])
                continue
            client.ports = {}
            # A busy machine may lose the record of an upstream: once more then.
            for _ in range(3):
                wrong = ask(run, client, log, said, p)
                if not wrong:
                    break
                time.sleep(0.2)
            say(not wrong, what, wrong)
        return n


def wait_for_ports():
    """Only one at a time can have the ports from BASE: the socket says who."""
    lock = socket.socket()
    for _ in range(600):
        try:
            lock.bind(("127.0.0.1", BASE + 499))
            return lock
        except OSError:
            time.sleep(1)
    sys.exit("the ports from %d are in use" % BASE)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--corpus", required=True)
    a.add_argument("--binary", required=True)
    a.add_argument("--least", nargs=2, type=int, metavar=("REQUESTS", "CONFIGURATIONS"))
    a.add_argument("names", nargs="*")
    o = a.parse_args()
    sys.path.insert(0, o.corpus)
    sys.dont_write_bytecode = True
    import probe
    lock = wait_for_ports()
    count = [0]

    def say(is_good, what, details):
        count[0] += 1
        print("%s %d - %s" % ("ok" if is_good else "not ok", count[0],
                              what.replace("#", "\\#")))
        sys.stdout.flush()
        if details:
            print("#   %s" % what, file=sys.stderr)
        for d in details:
            print("#     " + d.replace("\n", "\n#     "), file=sys.stderr)

    configurations = 0
    for name in o.names:
        path = os.path.join(o.corpus, name)
        if open(os.path.join(path, "expected.txt")).read().strip() != "ok":
            continue
        configurations += entry(probe, o.binary, path, name, say) != 0
    if o.least:
        say(count[0] >= o.least[0] and configurations >= o.least[1],
            "%d requests over %d configurations are enough"
            % (count[0], configurations), [])
    print("1..%d" % count[0])
    lock.close()


main()
