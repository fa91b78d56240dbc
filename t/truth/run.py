#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Black-box behaviour table runner.

    run.py --binary PATH [--group NAME ...] [--case SUBSTR] [--port-base N]
           [--drop DIRECTIVE ...] [--add-http TEXT] [--idle SECONDS]
           [--reload | --walk] [-v] [--keep] [--observe]

--drop takes simple statements of that name out of the files, --add-http puts
text at the http level: both help with a binary that lacks a directive or has
other defaults.  --observe prints what was seen beside the verdict.

With --reload the binary is started with a configuration that has little in
common with the group's, which takes its place by a SIGHUP before the cases are
sent.  With --walk one server goes through all groups like that, and back to the
first configuration at the end.  In both, its only worker has to live on, and
after the walk with no more descriptors than before it.

Every group is two files beside this script: GROUP.conf, a complete server
configuration with placeholders, and GROUP.tsv, one case per line.  For each
group the binary is started once as `PATH -p PREFIX/ -c CONF` (the files say
`daemon off`), the cases are sent one after another over raw sockets, then the
process is stopped with SIGTERM.

Cases of a group run in the order of the file and may depend on those before
(a cache that was filled, a limit that was used up): --case helps to look at
one, but such a case may need its predecessors to pass.

Placeholders, in both files:
  %%PORT%% %%PORT2%% ... %%PORT9%%  ports for `listen` (always on 127.0.0.1)
  %%UPSTREAM%% %%UPSTREAM2%%    127.0.0.1:port of the echo upstreams 1 and 2
  %%DEAD%%                      127.0.0.1:port where nobody listens
  %%UPORT%% %%UPORT2%% %%DPORT%% %%TPORT%%  port numbers alone (1, 2, dead, TCP)
  %%UNIX%%                      path of the unix socket of upstream 1
  %%FCGI%% %%UWSGI%% %%SCGI%% %%MEMC%%  127.0.0.1:port of the gateway stubs
  %%TCP%%                       127.0.0.1:port of the TCP (and UDP) echo stub
  %%DNS%%                       127.0.0.1:port of a DNS server (UDP, see stubs.py)
  %%CERTS%%                     folder of certificates (made with the openssl
                                command at first use; list in stubs.py)
  %%DATA%%                      empty folder that workers may write (dav, store)
  %%ROOT%%                      document tree (see ROOT_FILES below)
  %%PREFIX%%                    scratch directory of the run
  %%MAIN%% %%HTTP%%             standard lines for the main / http level
                                (configuration files only)

Columns of GROUP.tsv (tab separated, first line is the header):
  case      name, unique in the group
  port      which of the ports the client connects to, 1 to 9; `s1` = by TLS
            (SNI is the Host field), `h1` = HTTP/2 with prior knowledge, `hs1`
            = HTTP/2 over TLS, `u1` = one UDP datagram, `f` = no connection:
            `request` names a file, what was added to it since the last look is
            the body (`f,last`: its last line).  Options behind commas: cert=NAME (client certificate)
            sni=NAME nosni tls11 tls12 tls13 cipher=LIST alpn=A+B
  request   bytes to send; \\r \\n \\t \\\\ \\xNN escapes; {{A*900}} repeats "A"
            900 times; {{wait}} waits for response bytes before going on,
            {{pause N}} sleeps N ms, {{shut}} closes the sending side,
            {{want N}} waits for N bytes in all.  For h ports lines
            `name: value`, the first may be `METHOD PATH [AUTHORITY]`; behind an
            empty line the body; {{req}} begins the next stream (sent at once),
            {{frame HEX}} is put on the wire as it is
  status    expected statuses in order, comma separated (interim ones such as
            100 too); `none`: closed without a byte; `raw`: bytes that are no
            HTTP response; `tlsfail`: no TLS connection; for HTTP/2 `rstN` and
            `goawayN` (N = error code) besides numbers
  headers   of the last response, items separated by ` || `: `Name: value`,
            `Name: ~regex`, `!Name` (must be absent); unlisted ones are free;
            trailer fields are called trailer-NAME; on TLS ports also tls-cn,
            tls-version, tls-alpn (certificate and session that the client saw)
  body      of the last response: `=text`, `~regex`, `#length` or `-` (free);
            with a leading `z` the gzip-decoded body
  upstream  `-` free, `none` (upstream must not be asked), or items: request
            line first, then `Name: value`, `!Name`, `body=text`, `at=NAME`
            (which stub: 1 2 fcgi uwsgi scgi memc tcp udp), `count=N` (requests
            that all stubs got in this case; else the first is looked at only),
            `nth=N` (of its connection), `sni=`, `tls=`, `cert=` (CN), `alpn=`,
            `proxy=` (PROXY line).  Gateway protocols: `FASTCGI role=1 flags=0`,
            `UWSGI modifier1=0 modifier2=0`, `SCGI` as the line, parameters as
            fields; memcached and TCP: what was sent as the line
  conn      `close` or `keep`: state of the connection afterwards; `-` free
  note      for the reader

The echo upstream answers 200 with "up" as body and X-Up: 1, closing the
connection, unless the request has a field X-Reply, whose unescaped value is
then sent as the whole response (`close` alone: no response at all).  It speaks
TLS and HTTP/2 when it is spoken to so.  stubs.py tells more about it and about
the other stubs.

A group whose configuration the binary refuses gives one line, `GROUP 0 passed,
N failed: not supported by this build: MESSAGE`.
"""
import argparse
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

import stubs
from client import Reply, Result, talk

HERE = os.path.dirname(os.path.abspath(__file__))
MTIME = 1700000000                      # Tue, 14 Nov 2023 22:13:20 GMT
ALPHA = ("0123456789" * 10)

ROOT_FILES = {
    "index.html": "root index\n",
    "plain.txt": "plain\n",
    "hundred.txt": ALPHA,
    "page.html": "<p>page</p>\n",
    "UPPER.HTML": "upper\n",
    "noext": "noext\n",
    "odd.zzz": "odd\n",
    "two.tar.gz": "tgz\n",
    "app.js": "js\n",
    "data.json": "{}\n",
    "empty.txt": "",
    "sp ace.txt": "space\n",
    "per%cent.txt": "percent\n",
    "q?mark.txt": "question\n",
    "404.html": "custom 404\n",
    "50x.html": "custom 50x\n",
    "fallback.html": "fallback\n",
    "secret.txt": "secret\n",
    "dir/index.html": "dir index\n",
    "dir/a.txt": "dir a\n",
    "dir/alt.htm": "dir alt\n",
    "dir/sub/b.txt": "sub b\n",
    "noindex/x.txt": "x\n",
    "onlyalt/alt.htm": "only alt\n",
    "list/one.txt": "1\n",
    "list/two & three.txt": "23\n",
    "list/deep/z.txt": "z\n",
    "big.txt": "B" * 20000,
    "ssi.shtml": "a<!--#echo var=\"arg_x\" default=\"none\" -->b\n",
    "sub.html": "one two one\n",
}

HTPASSWD = """\
# comment
plain:{PLAIN}secret
apr:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
ssha:{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU
crypt:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1
#hidden:{PLAIN}x
"""

MAIN_LINES = """\
daemon off;
worker_processes 1;
pid %%PREFIX%%/server.pid;
lock_file %%PREFIX%%/server.lock;
error_log %%PREFIX%%/error.log info;
events { worker_connections 256; }
"""

# Before a reload.
FIRST_CONF = """\
%%MAIN%%
http {
    access_log off;
    server {
        listen 127.0.0.1:%%PORT%%;
        default_type text/x-first;
        location / { add_header X-First 1; return 299 "first $uri"; }
    }
}
"""

HTTP_LINES = """\
    access_log off;
    client_body_temp_path %%PREFIX%%/t_body;
    proxy_temp_path %%PREFIX%%/t_proxy;
    fastcgi_temp_path %%PREFIX%%/t_fastcgi;
    uwsgi_temp_path %%PREFIX%%/t_uwsgi;
    scgi_temp_path %%PREFIX%%/t_scgi;
    types { text/html html htm shtml; text/plain txt; image/gif gif;
            image/jpeg jpg; application/javascript js;
            application/json json; application/octet-stream bin gz; }
    default_type text/plain;
    root %%ROOT%%;
"""


# ---------------------------------------------------------------- escaping

def unescape(text):
    """TSV text to bytes."""
    out = bytearray()
    i = 0
    while i < len(text):
        c = text[i]
        if c == "\\" and i + 1 < len(text):
            n = text[i + 1]
            if n == "x":
                out.append(int(text[i + 2:i + 4], 16))
                i += 4
                continue
            out += {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\",
                    "0": b"\0"}.get(n, n.encode())
            i += 2
            continue
        out += c.encode("utf-8")
        i += 1
    return bytes(out)


def escape(data):
    """bytes to TSV text."""
    out = []
    for b in data:
        if b == 13:
            out.append("\\r")
        elif b == 10:
            out.append("\\n")
        elif b == 9:
            out.append("\\t")
        elif b == 92:
            out.append("\\\\")
        elif 32 <= b < 127:
            out.append(chr(b))
        else:
            out.append("\\x%02x" % b)
    return "".join(out)


stubs.UNESCAPE = unescape


def expand(text):
    """request column to a list of steps: bytes or (verb, argument)."""
    steps = []
    pos = 0
    for m in re.finditer(r"\{\{(wait|shut|req|frame ([0-9a-f ]*)|"
                         r"(pause|want) (\d+)|([^{}]*?)\*(\d+))\}\}", text):
        if m.start() > pos:
            steps.append(unescape(text[pos:m.start()]))
        pos = m.end()
        if m.group(1) in ("wait", "shut", "req"):
            steps.append((m.group(1), 0))
        elif m.group(3):
            steps.append((m.group(3), int(m.group(4))))
        elif m.group(6):
            steps.append(unescape(m.group(5)) * int(m.group(6)))
        else:
            steps.append(("frame", bytes.fromhex(m.group(2) or "")))
    if pos < len(text):
        steps.append(unescape(text[pos:]))
    merged = []
    for s in steps:
        if isinstance(s, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += s
        else:
            merged.append(s)
    return merged


# ---------------------------------------------------------------- a group

def remove(path):
    """A tree, however deep (nginx 1.22.1 copies a folder into itself)."""
    subprocess.run(["rm", "-rf", path], stdin=subprocess.DEVNULL)


class Bench:
    def __init__(self, binary, base, keep=False):
        self.binary = binary
        self.base = base
        self.keep = keep
        self.prefix = tempfile.mkdtemp(prefix="truth-")
        os.chmod(self.prefix, 0o755)
        self.root = os.path.join(self.prefix, "root")
        for d in ("logs", "root", "data"):
            os.makedirs(os.path.join(self.prefix, d))
        os.chmod(os.path.join(self.prefix, "data"), 0o777)
        for name, text in ROOT_FILES.items():
            p = os.path.join(self.root, name)
            os.makedirs(os.path.dirname(p), exist_ok=True)
            with open(p, "w") as f:
                f.write(text)
        with open(os.path.join(self.prefix, "htpasswd"), "w") as f:
            f.write(HTPASSWD)
        for dp, dn, fn in os.walk(self.root):
            os.chmod(dp, 0o755)
            for n in dn + fn:
                os.utime(os.path.join(dp, n), (MTIME, MTIME))
        os.utime(self.root, (MTIME, MTIME))
        self.certdir = os.path.join(self.prefix, "certs")
        self.up = stubs.Stubs(base, self.certdir)
        self.up.listen(("127.0.0.1", base + 10), "1")
        self.up.listen(os.path.join(self.prefix, "up.sock"), "1")
        self.proc = None
        self.offsets = {}
        self.names = [("%%UNIX%%", os.path.join(self.prefix, "up.sock")),
                      ("%%CERTS%%", self.certdir),
                      ("%%ROOT%%", self.root),
                      ("%%DATA%%", os.path.join(self.prefix, "data")),
                      ("%%PREFIX%%", self.prefix)]
        for name, n in (("UPSTREAM", 10), ("DEAD", 11), ("UPSTREAM2", 12),
                        ("FCGI", 14), ("UWSGI", 15), ("SCGI", 16),
                        ("MEMC", 17), ("TCP", 18), ("DNS", 19)):
            self.names.append(("%%" + name + "%%",
                               "127.0.0.1:%d" % (base + n)))
        for name, n in (("UPORT", 10), ("UPORT2", 12), ("DPORT", 11),
                        ("TPORT", 18)):
            self.names.append(("%%" + name + "%%", str(base + n)))
        for n in range(9):
            self.names.append(("%%PORT" + (str(n + 1) if n else "") + "%%",
                               str(base + n)))

    def fill(self, text):
        for k, v in [("%%MAIN%%", MAIN_LINES), ("%%HTTP%%", HTTP_LINES)] \
                + self.names:
            text = text.replace(k, v)
        return text

    def unfill(self, text):
        """Observed text back to placeholders."""
        for k, v in self.names:
            text = text.replace(v, k)
        return text

    def start(self, conf_text):
        conf = os.path.join(self.prefix, "server.conf")
        if "%%CERTS%%" in conf_text:
            self.up.certs()
        self.offsets = {}
        remove(os.path.join(self.prefix, "data"))
        os.makedirs(os.path.join(self.prefix, "data"))
        os.chmod(os.path.join(self.prefix, "data"), 0o777)
        with open(conf, "w") as f:
            f.write(self.fill(conf_text))
        self.log = open(os.path.join(self.prefix, "start.log"), "wb")
        self.proc = subprocess.Popen(
            [self.binary, "-p", self.prefix + "/", "-c", conf],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=dict(os.environ, TZ="UTC"))
        end = time.time() + 10
        while time.time() < end:
            if self.proc.poll() is not None:
                return False
            try:
                socket.create_connection(("127.0.0.1", self.base),
                                         timeout=1).close()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def start_first(self):
        """Starts with FIRST_CONF; all workers are up, and have no
        connections."""
        if not self.start(FIRST_CONF):
            return False
        end = time.time() + 10
        while self.log_lines("start worker process ") == 0 \
                or self.ask_first() != [299]:
            if time.time() > end:
                return False
            time.sleep(0.005)
        return True

    def ask_first(self):
        res = talk(self.base, [b"GET / HTTP/1.0\r\n\r\n"], 1, 2.0, "close")
        return [r.status for r in res.replies]

    def log_lines(self, text):
        """How many lines of the error log have the text."""
        with open(os.path.join(self.prefix, "error.log"), "rb") as f:
            return f.read().count(text.encode())

    def reload(self, conf_text):
        """Has the server that runs take another configuration over; returns
        why that failed, or None."""
        with open(os.path.join(self.prefix, "server.conf"), "w") as f:
            f.write(self.fill(conf_text))
        served = self.log_lines("is served")
        started = self.log_lines("start worker process ")
        self.proc.send_signal(signal.SIGHUP)
        end = time.time() + 10
        while self.log_lines("is served") == served:
            if time.time() > end or self.proc.poll() is not None:
                with open(os.path.join(self.prefix, "error.log")) as f:
                    return "not reloaded: " + "".join(f.readlines()[-5:])
            time.sleep(0.005)
        if self.log_lines("start worker process ") != started:
            return "the worker was replaced"
        return None

    def worker_fds(self):
        """Where the descriptors of the worker lead to, sorted."""
        with open("/proc/%d/task/%d/children"
                  % (self.proc.pid, self.proc.pid)) as f:
            pid = f.read().split()[0]
        seen = []
        for fd in os.listdir("/proc/%s/fd" % pid):
            try:
                seen.append(re.sub(r"\d+", "#",
                                   os.readlink("/proc/%s/fd/%s" % (pid, fd))))
            except OSError:
                pass
        return sorted(seen)

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.proc = None

    def start_errors(self):
        with open(os.path.join(self.prefix, "start.log"), "rb") as f:
            return f.read().decode("latin-1").strip()

    def why(self):
        """One line: why the server did not start."""
        text = self.start_errors()
        m = re.search(r"\[emerg\] (?:\d+#\d+: )?(.*)", text)
        line = m.group(1) if m else " ".join(text.split()) or "no message"
        line = self.unfill(line)[:300]
        if re.search(r"unknown|invalid|not allowed|not supported|duplicate|"
                     r"unsupported|requires|no such", line, re.I):
            return "not supported by this build: " + line
        return "the server did not start: " + line

    def close(self):
        self.stop()
        self.up.close()
        if self.keep:
            print("kept %s" % self.prefix)
        else:
            remove(self.prefix)

    def run_case(self, row, want=None, idle=2.0, check_conn=None):
        self.up.settle()
        del self.up.seen[:]
        where, *opts = row["port"].split(",")
        if where == "f":
            return self.look(self.fill(row["request"]), "last" in opts)
        mode = where.rstrip("0123456789")
        port = self.base + int(where[len(mode):]) - 1
        return talk(port, expand(self.fill(row["request"])), want, idle,
                    check_conn, mode, opts, self.certdir)

    def look(self, name, last):
        """What was added to a file since the last look."""
        res = Result()
        time.sleep(0.05)
        end = time.time() + 1
        while not res.leftover and time.time() < end:
            try:
                with open(name, "rb") as f:
                    f.seek(self.offsets.get(name, 0))
                    res.leftover = f.read()
            except OSError:
                pass
            if not res.leftover:
                time.sleep(0.02)
        self.offsets[name] = self.offsets.get(name, 0) + len(res.leftover)
        if last:
            res.leftover = res.leftover.splitlines(True)[-1:][0] \
                if res.leftover else b""
        return res


def load(group):
    rows = []
    with open(os.path.join(HERE, group + ".tsv"), encoding="utf-8") as f:
        names = f.readline().rstrip("\n").split("\t")
        for line in f:
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                rows.append(dict(zip(names, line.split("\t"))))
    return rows


def check(bench, row, res):
    """Return a list of differences."""
    bad = []
    got = res.statuses()
    if got != row["status"]:
        bad.append("status: want %s, got %s" % (row["status"], got))
        if got in ("none", "raw", "tlsfail") \
                or row["status"] in ("none", "raw", "tlsfail"):
            return bad
    last = res.replies[-1] if res.replies else Reply()
    if row["headers"] not in ("-", ""):
        pool = list(last.fields)
        for item in row["headers"].split(" || "):
            item = bench.fill(item)
            if item.startswith("!"):
                if last.get(item[1:]):
                    bad.append("header %s must be absent, is %r"
                               % (item[1:], last.get(item[1:])))
                continue
            n, _, v = item.partition(":")
            v = unescape(v.strip()).decode("latin-1")
            for f in pool:
                if f[0].lower() != n.lower():
                    continue
                if (v.startswith("~") and re.search(v[1:], f[1])) \
                        or v == f[1]:
                    pool.remove(f)
                    break
            else:
                bad.append("header %s: want %r, got %r"
                           % (n, v, last.get(n)))
    want = row["body"]
    body = last.body if res.replies else res.leftover
    if want.startswith("z"):
        want = want[1:]
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as e:
            bad.append("body: not gzip (%s)" % e)
            want = "-"
    if want.startswith("="):
        w = unescape(bench.fill(want[1:]))
        if body != w:
            bad.append("body: want %r, got %r" % (w[:300], body[:300]))
    elif want.startswith("~"):
        w = unescape(bench.fill(want[1:]))
        if not re.search(w, body, re.S):
            bad.append("body: want ~%r, got %r" % (w[:300], body[:300]))
    elif want.startswith("#"):
        if len(body) != int(want[1:]):
            bad.append("body length: want %s, got %d" % (want[1:], len(body)))
    up = row["upstream"]
    if up == "none":
        if bench.up.seen:
            bad.append("upstream was asked: %r" % bench.up.seen[0].line)
    elif up not in ("-", ""):
        if not bench.up.seen:
            bad.append("upstream was not asked")
        else:
            seen = bench.up.seen[0]
            line, fields, ubody = seen.line, seen.fields, seen.body
            items = up.split(" || ")
            w = unescape(bench.fill(items[0])).decode("latin-1")
            if w != line and not (w.startswith("~")
                                  and re.search(w[1:], line, re.S)):
                bad.append("upstream line: want %r, got %r" % (w, line))
            pool = list(fields)
            for item in items[1:]:
                item = unescape(bench.fill(item)).decode("latin-1")
                meta = re.match(r"(at|count|nth|sni|tls|cert|alpn|proxy)=(.*)$",
                                item)
                if meta:
                    got = str(len(bench.up.seen)) if meta.group(1) == "count" \
                        else seen.meta.get(meta.group(1), "")
                    if got != meta.group(2) and not (
                            meta.group(2).startswith("~")
                            and re.search(meta.group(2)[1:], got)):
                        bad.append("upstream %s: want %r, got %r"
                                   % (meta.group(1), meta.group(2), got))
                elif item.startswith("body="):
                    if ubody.decode("latin-1") != item[5:]:
                        bad.append("upstream body: want %r, got %r"
                                   % (item[5:], ubody))
                elif item.startswith("!"):
                    if any(n.lower() == item[1:].lower() for n, v in fields):
                        bad.append("upstream got %s" % item[1:])
                else:
                    n, _, v = item[1:].partition(":")
                    n = item[0] + n             # `:path: /x` too
                    v = v.strip()
                    for f in pool:
                        if f[0].lower() == n.lower() and (
                                f[1] == v or v.startswith("~")
                                and re.search(v[1:], f[1])):
                            pool.remove(f)
                            break
                    else:
                        bad.append("upstream header %s: want %r, got %r" % (
                            n, v, [b for a, b in fields
                                   if a.lower() == n.lower()]))
    if row["conn"] in ("close", "keep"):
        state = "close" if res.closed else "keep"
        if state != row["conn"]:
            bad.append("connection: want %s, got %s" % (row["conn"], state))
    return bad


def begin(bench, conf, args):
    """Has the server run with that configuration; returns why not, or None."""
    if not args.reload and not args.walk:
        return None if bench.start(conf) else bench.why()
    if bench.proc is None and not bench.start_first():
        return bench.why()
    return bench.reload(conf)


def run_group(bench, group, args, totals):
    """Returns the reason if the server did not start."""
    with open(os.path.join(HERE, group + ".conf"), encoding="utf-8") as f:
        conf = f.read()
    for d in args.drop:
        conf = re.sub(r"(?m)(^|[;{]|\s)%s\s[^;{}]*;" % re.escape(d), r"\1",
                      conf)
    conf = conf.replace("%%HTTP%%", "%%HTTP%%\n" + args.add_http)
    rows = load(group)
    if args.case:
        rows = [r for r in rows if args.case in r["case"]]
    if not rows:
        return None
    if "%%CERTS%%" in conf:
        try:
            bench.up.certs()
        except (OSError, subprocess.SubprocessError) as e:
            totals[1] += len(rows)
            return "no certificates: %s" % e
    why = begin(bench, conf, args)
    if why is not None:
        bench.stop()
        totals[1] += len(rows)
        return why
    for row in rows:
        name = "%s/%s" % (group, row["case"])
        want = row["status"].split(",")
        finals = 0 if want[0] in ("none", "raw", "tlsfail") else \
            len([w for w in want if w[0] in "23456789"])
        try:
            res = bench.run_case(row, want=finals, idle=args.idle, check_conn=(
                row["conn"] if row["conn"] in ("close", "keep") else None))
            bad = check(bench, row, res)
        except Exception as e:          # a crash of the server, mostly
            bad = ["%s: %s" % (type(e).__name__, e)]
            if bench.proc and bench.proc.poll() is not None:
                bad.append("server exited with %s" % bench.proc.returncode)
                bench.stop()
                begin(bench, conf, args)
        if bad:
            totals[1] += 1
            print("FAIL %s" % name)
            for b in bad:
                print("     %s" % b)
            if args.verbose:
                print("     request %s" % row["request"][:400])
        else:
            totals[0] += 1
            if args.verbose:
                print("ok   %s" % name)
        if args.observe:
            last = res.replies[-1] if res.replies else Reply()
            print("     %s | %s | %s | %s | closed=%s" % (
                res.statuses(),
                bench.unfill(" || ".join("%s: %s" % f for f in last.fields)),
                bench.unfill(escape(last.body or res.leftover))[:300],
                bench.unfill(" || ".join(
                    [bench.up.seen[0].line]
                    + ["%s: %s" % f for f in bench.up.seen[0].fields])
                    if bench.up.seen else "none"), res.closed))
    if not args.walk:
        bench.stop()
    return None


def tell(group, totals, before, why):
    print("%-14s %d passed, %d failed%s"
          % (group, totals[0] - before[0], totals[1] - before[1],
             ": " + why if why else ""), flush=True)


def settled_fds(bench, wanted):
    """The worker's descriptors, as soon as they are the wanted ones, or after
    a while: a question to a name server that does not answer has 30 seconds."""
    end = time.time() + 40
    while time.time() < end and lasting_fds(bench) != wanted:
        time.sleep(0.05)
    return lasting_fds(bench)


def lasting_fds(bench):
    """All but those by which threads wake the loop: a process that has needed
    threads once keeps them."""
    return [f for f in bench.worker_fds() if f != "anon_inode:[eventfd]"]


def walk(bench, groups, args, totals):
    """All groups in one server, and back."""
    if not bench.start_first():
        print("FAIL " + bench.why())
        totals[1] += 1
        return
    fds = lasting_fds(bench)
    for group in groups:
        before = list(totals)
        tell(group, totals, before, run_group(bench, group, args, totals))
    why = bench.reload(FIRST_CONF)
    now = settled_fds(bench, fds)
    if why is None and now != fds:
        why = "descriptors before: %s, after: %s" % (fds, now)
    if why is not None:
        print("FAIL back to the first configuration: " + why)
        totals[1] += 1


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", required=True)
    p.add_argument("--group", action="append")
    p.add_argument("--case")
    p.add_argument("--port-base", type=int, default=20300)
    p.add_argument("--drop", action="append", default=[])
    p.add_argument("--add-http", default="")
    p.add_argument("--idle", type=float, default=2.0)
    p.add_argument("--reload", action="store_true")
    p.add_argument("--walk", action="store_true")
    p.add_argument("-v", "--verbose", action="store_true")
    p.add_argument("--observe", action="store_true")
    p.add_argument("--keep", action="store_true")
    args = p.parse_args()
    groups = args.group or sorted(
        f[:-4] for f in os.listdir(HERE) if f.endswith(".tsv"))
    totals = [0, 0]
    bench = Bench(os.path.abspath(args.binary), args.port_base, args.keep)
    try:
        if args.walk:
            walk(bench, groups, args, totals)
            groups = []
        for g in groups:
            before = list(totals)
            tell(g, totals, before, run_group(bench, g, args, totals))
    finally:
        bench.close()
    print("%d passed, %d failed" % tuple(totals))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
