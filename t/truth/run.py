#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Black-box behaviour table runner.

    run.py --binary PATH [--group NAME ...] [--case SUBSTR] [--port-base N]
           [--drop DIRECTIVE ...] [--add-http TEXT] [--idle SECONDS]
           [-v] [--keep] [--observe]

--drop takes simple statements of that name out of the files and the standard
lines, --add-http puts text at the http level: both help with a binary that
lacks a directive or has other defaults.  --observe prints what was seen beside
the verdict.

Every group is two files beside this script: GROUP.conf, a complete server
configuration with placeholders, and GROUP.tsv, one case per line.  For each
group the binary is started once as `PATH -p PREFIX/ -c CONF` (the files say
`daemon off`), the cases are sent one after another over raw sockets, then the
process is stopped with SIGTERM.

Placeholders, in both files:
  %%PORT%% %%PORT2%% %%PORT3%%  ports for `listen` (always on 127.0.0.1)
  %%UPSTREAM%%                  127.0.0.1:port of the echo upstream
  %%UNIX%%                      path of the unix socket of the same upstream
  %%DEAD%%                      127.0.0.1:port where nobody listens
  %%ROOT%%                      document tree (see ROOT_FILES below)
  %%PREFIX%%                    scratch directory of the run
  %%MAIN%% %%HTTP%%             standard lines for the main / http level
                                (configuration files only)

Columns of GROUP.tsv (tab separated, first line is the header):
  case      name, unique in the group
  port      1, 2 or 3: which of the three ports the client connects to
  request   bytes to send; \\r \\n \\t \\\\ \\xNN escapes; {{A*900}} repeats "A"
            900 times; {{wait}} waits for response bytes before going on,
            {{pause N}} sleeps N ms, {{shut}} closes the sending side
  status    expected statuses in order, comma separated (interim ones such as
            100 too); `none`: closed without a byte; `raw`: bytes that are no
            HTTP response
  headers   of the last response, items separated by ` || `: `Name: value`,
            `Name: ~regex`, `!Name` (must be absent); unlisted ones are free
  body      of the last response: `=text`, `~regex`, `#length` or `-` (free);
            with a leading `z` the gzip-decoded body
  upstream  `-` free, `none` (upstream must not be asked), or items: request
            line first, then `Name: value`, `!Name`, `body=text`
  conn      `close` or `keep`: state of the connection afterwards; `-` free
  note      for the reader

The echo upstream answers 200 with "up" as body and X-Up: 1, closing the
connection, unless the request has a field X-Reply, whose unescaped value is
then sent as the whole response (`close` alone: no response at all).
"""
import argparse
import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib

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


def expand(text):
    """request column to a list of steps: bytes or (verb, argument)."""
    steps = []
    pos = 0
    for m in re.finditer(r"\{\{(wait|shut|pause (\d+)|([^{}]*?)\*(\d+))\}\}",
                         text):
        if m.start() > pos:
            steps.append(unescape(text[pos:m.start()]))
        pos = m.end()
        if m.group(1) == "wait" or m.group(1) == "shut":
            steps.append((m.group(1), 0))
        elif m.group(2):
            steps.append(("pause", int(m.group(2))))
        else:
            steps.append(unescape(m.group(3)) * int(m.group(4)))
    if pos < len(text):
        steps.append(unescape(text[pos:]))
    merged = []
    for s in steps:
        if isinstance(s, bytes) and merged and isinstance(merged[-1], bytes):
            merged[-1] += s
        else:
            merged.append(s)
    return merged


# ---------------------------------------------------------------- upstream

class Upstream:
    def __init__(self, port, path):
        self.seen = []
        self.stop = False
        self.socks = []
        t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        t.bind(("127.0.0.1", port))
        u = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        u.bind(path)
        os.chmod(path, 0o777)
        for s in (t, u):
            s.listen(32)
            self.socks.append(s)
            threading.Thread(target=self.accept, args=(s,),
                             daemon=True).start()

    def accept(self, s):
        while not self.stop:
            try:
                c, _ = s.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,),
                             daemon=True).start()

    def serve(self, c):
        c.settimeout(5)
        try:
            buf = b""
            while b"\r\n\r\n" not in buf:
                d = c.recv(65536)
                if not d:
                    return
                buf += d
            head, rest = buf.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            fields = []
            for l in lines[1:]:
                n, _, v = l.partition(b":")
                fields.append((n.decode("latin-1"),
                               v.strip().decode("latin-1")))
            low = {n.lower(): v for n, v in fields}
            body = rest
            if "content-length" in low:
                want = int(low["content-length"])
                while len(body) < want:
                    d = c.recv(65536)
                    if not d:
                        break
                    body += d
            elif "chunked" in low.get("transfer-encoding", ""):
                body = self.dechunk(c, rest)
            self.seen.append((lines[0].decode("latin-1"), fields, body))
            reply = low.get("x-reply")
            if reply == "close":
                return
            if reply:
                c.sendall(unescape(reply))
            else:
                c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                          b"Content-Type: text/plain\r\nX-Up: 1\r\n"
                          b"Connection: close\r\n\r\n")
                if not lines[0].startswith(b"HEAD"):
                    c.sendall(b"up")
        except OSError:
            pass
        finally:
            try:
                c.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            c.close()

    @staticmethod
    def dechunk(c, buf):
        out = b""
        while True:
            while b"\r\n" not in buf:
                d = c.recv(65536)
                if not d:
                    return out
                buf += d
            size, buf = buf.split(b"\r\n", 1)
            n = int(size.split(b";")[0], 16)
            while len(buf) < n + 2:
                d = c.recv(65536)
                if not d:
                    return out
                buf += d
            out += buf[:n]
            buf = buf[n + 2:]
            if n == 0:
                return out

    def close(self):
        self.stop = True
        for s in self.socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()


# ---------------------------------------------------------------- client

class Reply:
    def __init__(self):
        self.status = None
        self.fields = []
        self.body = b""
        self.version = ""

    def get(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]


def take_reply(buf, eof, head):
    """Parse one response from buf.  Returns (Reply or None, rest)."""
    if not buf.startswith(b"HTTP/"):
        return None, buf
    end = buf.find(b"\r\n\r\n")
    if end < 0:
        return None, buf
    r = Reply()
    lines = buf[:end].decode("latin-1").split("\r\n")
    m = re.match(r"HTTP/(\d\.\d) (\d{3})", lines[0])
    if not m:
        return None, buf
    r.version = m.group(1)
    r.status = int(m.group(2))
    for l in lines[1:]:
        n, _, v = l.partition(":")
        r.fields.append((n, v.strip()))
    rest = buf[end + 4:]
    if r.status < 200 or r.status in (204, 304) or head:
        return r, rest
    te = r.get("Transfer-Encoding")
    cl = r.get("Content-Length")
    if te and "chunked" in te[0]:
        out = b""
        while True:
            i = rest.find(b"\r\n")
            if i < 0:
                return None, buf
            try:
                n = int(rest[:i].split(b";")[0], 16)
            except ValueError:
                return None, buf
            if n == 0:
                j = rest.find(b"\r\n\r\n", i)
                if j < 0:
                    return None, buf
                for l in rest[i + 2:j].decode("latin-1").split("\r\n"):
                    if l:
                        a, _, b = l.partition(":")
                        r.fields.append(("trailer-" + a, b.strip()))
                r.body = out
                return r, rest[j + 4:]
            if len(rest) < i + 2 + n + 2:
                return None, buf
            out += rest[i + 2:i + 2 + n]
            rest = rest[i + 4 + n:]
    if cl:
        n = int(cl[0])
        if len(rest) < n:
            if eof:
                r.body = rest
                return r, b""
            return None, buf
        r.body = rest[:n]
        return r, rest[n:]
    if eof:
        r.body = rest
        return r, b""
    return None, buf


class Result:
    def __init__(self):
        self.replies = []
        self.leftover = b""
        self.closed = False

    def statuses(self):
        if not self.replies:
            return "raw" if self.leftover else "none"
        return ",".join(str(r.status) for r in self.replies)


def talk(port, steps, want, idle, check_conn):
    """Send the steps, collect replies until `want` final ones (or idle)."""
    res = Result()
    s = socket.create_connection(("127.0.0.1", port), timeout=5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buf = b""
    eof = False
    head = bool(steps) and isinstance(steps[0], bytes) \
        and steps[0].lstrip(b"\r\n").startswith(b"HEAD ")

    def pump(timeout):
        nonlocal buf, eof
        if eof:
            return False
        s.settimeout(timeout)
        try:
            d = s.recv(262144)
        except socket.timeout:
            return False
        except OSError:
            eof = True
            return True
        if not d:
            eof = True
            return True
        buf += d
        return True

    def collect():
        nonlocal buf
        while buf:
            r, rest = take_reply(buf, eof, head)
            if r is None:
                return
            res.replies.append(r)
            buf = rest

    for st in steps:
        if isinstance(st, bytes):
            try:
                s.settimeout(5)
                s.sendall(st)
            except OSError:
                break
        elif st[0] == "wait":
            had = len(buf) + len(res.replies)
            end = time.time() + 2
            while time.time() < end and not eof:
                if pump(0.5):
                    collect()
                if len(buf) + len(res.replies) > had:
                    break
        elif st[0] == "pause":
            time.sleep(st[1] / 1000.0)
        elif st[0] == "shut":
            try:
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
    last = time.time()
    while not eof:
        collect()
        final = [r for r in res.replies if r.status >= 200]
        if want is not None and len(final) >= want and want > 0:
            break
        if pump(0.05):
            last = time.time()
        elif time.time() - last > idle:
            break
    collect()
    if check_conn:
        end = time.time() + (1.0 if check_conn == "close" else 0.12)
        while not eof and time.time() < end:
            pump(0.04)
        collect()
    res.closed = eof
    res.leftover = buf
    s.close()
    return res


# ---------------------------------------------------------------- a group

class Bench:
    def __init__(self, binary, base, keep=False):
        self.binary = binary
        self.base = base
        self.keep = keep
        self.prefix = tempfile.mkdtemp(prefix="truth-")
        os.chmod(self.prefix, 0o755)
        self.root = os.path.join(self.prefix, "root")
        for d in ("logs", "root"):
            os.makedirs(os.path.join(self.prefix, d))
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
        self.up = Upstream(base + 10, os.path.join(self.prefix, "up.sock"))
        self.proc = None

    def fill(self, text):
        for k, v in (("%%MAIN%%", MAIN_LINES), ("%%HTTP%%", HTTP_LINES)):
            text = text.replace(k, v)
        for k, v in (("%%PORT%%", str(self.base)),
                     ("%%PORT2%%", str(self.base + 1)),
                     ("%%PORT3%%", str(self.base + 2)),
                     ("%%UPSTREAM%%", "127.0.0.1:%d" % (self.base + 10)),
                     ("%%DEAD%%", "127.0.0.1:%d" % (self.base + 11)),
                     ("%%UNIX%%", os.path.join(self.prefix, "up.sock")),
                     ("%%ROOT%%", self.root),
                     ("%%PREFIX%%", self.prefix)):
            text = text.replace(k, v)
        return text

    def unfill(self, text):
        """Observed text back to placeholders."""
        for k, v in (("%%UNIX%%", os.path.join(self.prefix, "up.sock")),
                     ("%%ROOT%%", self.root),
                     ("%%PREFIX%%", self.prefix),
                     ("%%UPSTREAM%%", "127.0.0.1:%d" % (self.base + 10)),
                     ("%%DEAD%%", "127.0.0.1:%d" % (self.base + 11)),
                     ("%%PORT%%", str(self.base)),
                     ("%%PORT2%%", str(self.base + 1)),
                     ("%%PORT3%%", str(self.base + 2))):
            text = text.replace(v, k)
        return text

    def start(self, conf_text):
        conf = os.path.join(self.prefix, "server.conf")
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

    def close(self):
        self.stop()
        self.up.close()
        if self.keep:
            print("kept %s" % self.prefix)
        else:
            shutil.rmtree(self.prefix, ignore_errors=True)

    def run_case(self, row, want=None, idle=2.0, check_conn=None):
        del self.up.seen[:]
        port = self.base + int(row["port"]) - 1
        return talk(port, expand(self.fill(row["request"])), want, idle,
                    check_conn)


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
        if got in ("none", "raw") or row["status"] in ("none", "raw"):
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
            bad.append("upstream was asked: %r" % bench.up.seen[0][0])
    elif up not in ("-", ""):
        if not bench.up.seen:
            bad.append("upstream was not asked")
        else:
            line, fields, ubody = bench.up.seen[0]
            items = up.split(" || ")
            w = unescape(bench.fill(items[0])).decode("latin-1")
            if w != line:
                bad.append("upstream line: want %r, got %r" % (w, line))
            pool = list(fields)
            for item in items[1:]:
                item = unescape(bench.fill(item)).decode("latin-1")
                if item.startswith("body="):
                    if ubody.decode("latin-1") != item[5:]:
                        bad.append("upstream body: want %r, got %r"
                                   % (item[5:], ubody))
                elif item.startswith("!"):
                    if any(n.lower() == item[1:].lower() for n, v in fields):
                        bad.append("upstream got %s" % item[1:])
                else:
                    n, _, v = item.partition(":")
                    v = v.strip()
                    for f in pool:
                        if f[0].lower() == n.lower() and f[1] == v:
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


def run_group(bench, group, args, totals):
    with open(os.path.join(HERE, group + ".conf"), encoding="utf-8") as f:
        conf = f.read()
    conf = conf.replace("%%MAIN%%", MAIN_LINES)
    conf = conf.replace("%%HTTP%%", HTTP_LINES + args.add_http)
    for d in args.drop:
        conf = re.sub(r"(?m)(^|[;{]|\s)%s\s[^;{}]*;" % re.escape(d), r"\1",
                      conf)
    rows = load(group)
    if args.case:
        rows = [r for r in rows if args.case in r["case"]]
    if not rows:
        return
    if not bench.start(conf):
        print("FAIL %s: the server did not start: %s"
              % (group, bench.start_errors()[:600]))
        totals[1] += len(rows)
        bench.stop()
        return
    for row in rows:
        name = "%s/%s" % (group, row["case"])
        want = row["status"].split(",")
        finals = 0 if want[0] in ("none", "raw") else \
            len([w for w in want if int(w) >= 200])
        try:
            res = bench.run_case(row, want=finals, idle=args.idle, check_conn=(
                row["conn"] if row["conn"] in ("close", "keep") else None))
            bad = check(bench, row, res)
        except Exception as e:          # a crash of the server, mostly
            bad = ["%s: %s" % (type(e).__name__, e)]
            if bench.proc and bench.proc.poll() is not None:
                bad.append("server exited with %s" % bench.proc.returncode)
                bench.stop()
                bench.start(conf)
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
                    [bench.up.seen[0][0]]
                    + ["%s: %s" % f for f in bench.up.seen[0][1]])
                    if bench.up.seen else "none"), res.closed))
    bench.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", required=True)
    p.add_argument("--group", action="append")
    p.add_argument("--case")
    p.add_argument("--port-base", type=int, default=20300)
    p.add_argument("--drop", action="append", default=[])
    p.add_argument("--add-http", default="")
    p.add_argument("--idle", type=float, default=2.0)
    p.add_argument("-v", "--verbose", action="store_true")
    p.add_argument("--observe", action="store_true")
    p.add_argument("--keep", action="store_true")
    args = p.parse_args()
    groups = args.group or sorted(
        f[:-4] for f in os.listdir(HERE) if f.endswith(".tsv"))
    totals = [0, 0]
    bench = Bench(os.path.abspath(args.binary), args.port_base, args.keep)
    try:
        for g in groups:
            before = list(totals)
            run_group(bench, g, args, totals)
            print("%-14s %d passed, %d failed"
                  % (g, totals[0] - before[0], totals[1] - before[1]))
    finally:
        bench.close()
    print("%d passed, %d failed" % tuple(totals))
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
