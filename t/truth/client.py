# SPDX-License-Identifier: BSD-2-Clause
"""The clients of run.py: HTTP/1 on bare sockets, TLS, HTTP/2, datagrams."""

import os
import re
import socket
import ssl
import time

import stubs


def tls_connect(sock, certdir, opts, sni):
    """opts: cert=NAME sni=NAME nosni tls12 tls13 alpn=A+B."""
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.load_verify_locations(os.path.join(certdir, "ca.pem"))
    c.verify_mode = ssl.CERT_REQUIRED
    alpn = None
    for o in opts:
        n, _, v = o.partition("=")
        if n == "cert":
            c.load_cert_chain(os.path.join(certdir, v + ".pem"),
                              os.path.join(certdir, v + ".key"))
        elif n == "sni":
            sni = v
        elif n == "nosni":
            sni = None
        elif n == "tls12":
            c.maximum_version = ssl.TLSVersion.TLSv1_2
        elif n == "tls13":
            c.minimum_version = ssl.TLSVersion.TLSv1_3
        elif n == "tls11":
            c.minimum_version = ssl.TLSVersion.TLSv1_1
            c.maximum_version = ssl.TLSVersion.TLSv1_1
            c.set_ciphers("ALL:@SECLEVEL=0")
        elif n == "cipher":
            c.set_ciphers(v)
        elif n == "alpn":
            alpn = v.split("+")
    if alpn:
        c.set_alpn_protocols(alpn)
    return c.wrap_socket(sock, server_hostname=sni or None)


def h2_request(text, scheme):
    """One request of an h column: (pairs, body or None)."""
    head, sep, body = text.partition(b"\n\n")
    pairs = []
    for i, line in enumerate(head.decode("latin-1").split("\n")):
        m = re.match(r"([A-Z]+) (\S+)(?: (\S+))?$", line)
        if i == 0 and m:
            pairs += [(":method", m.group(1)), (":scheme", scheme)]
            if m.group(3):
                pairs.append((":authority", m.group(3)))
            pairs.append((":path", m.group(2)))
        elif line:
            n, _, v = line[1:].partition(": ")
            pairs.append((line[0] + n, v))
    return pairs, body if sep else None


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
        self.failed = None              # reason of a failed TLS handshake

    def statuses(self):
        if self.failed:
            return "tlsfail"
        if not self.replies:
            return "raw" if self.leftover else "none"
        return ",".join(str(r.status) for r in self.replies)


def host_of(steps):
    """The Host field of the first request, for SNI."""
    data = b"".join(s for s in steps if isinstance(s, bytes))
    m = re.search(rb"(?i)\r\nhost: *([^\r\n:]+)", data) \
        or re.match(rb"[A-Z]+ \S+ ([^\s:]+)", data) \
        or re.search(rb":authority: ([^\n:]+)", data)
    name = m.group(1).decode("latin-1").strip() if m else ""
    return None if re.match(r"[\d.]*$|\[", name) else name


def tls_fields(s):
    cert = s.getpeercert() or {}
    cn = [v for r in cert.get("subject", ()) for k, v in r
          if k == "commonName"]
    return [("tls-cn", ",".join(cn)), ("tls-version", s.version() or ""),
            ("tls-alpn", s.selected_alpn_protocol() or "")]


def talk_udp(port, steps, idle):
    res = Result()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(min(idle, 1.0))
    s.connect(("127.0.0.1", port))
    try:
        for st in steps:
            if isinstance(st, bytes):
                s.send(st)
                res.leftover += s.recv(65535)
    except OSError:
        pass
    s.close()
    return res


def talk_h2(s, steps, idle, scheme):
    """HTTP/2 requests on a connected socket, a stream each."""
    res = Result()
    res.replies = []
    hp = stubs.Hpack()
    parts, cur = [], []
    for st in steps + [("req", 0)]:
        if st == ("req", 0):
            parts.append(cur)
            cur = []
        else:
            cur.append(st)
    pre = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + stubs.frame(4, 0, 0)
    streams = {}
    order = []
    away = None
    out = pre
    sid = 1
    later = []
    for part in parts:
        for st in part:
            if isinstance(st, bytes):
                pairs, body = h2_request(st, scheme)
                block = stubs.hp_encode(pairs)
                chunks = [block[i:i + 16384]
                          for i in range(0, len(block), 16384)] or [b""]
                end = 0 if body is not None else 1
                out += stubs.frame(1, end | (4 if len(chunks) == 1 else 0),
                                   sid, chunks[0])
                for i, c in enumerate(chunks[1:]):
                    out += stubs.frame(9, 4 if i == len(chunks) - 2 else 0,
                                       sid, c)
                if body is not None:
                    for i in range(0, len(body), 16384):
                        out += stubs.frame(0, 0, sid, body[i:i + 16384])
                    out += stubs.frame(0, 1, sid)
                order.append(sid)
                streams[sid] = (Reply(), [])
                sid += 2
            elif st[0] == "frame":
                out += st[1]
            elif st[0] in ("pause", "wait"):
                later.append((len(out), st))
    pos = 0
    buf = b""
    done = set()
    blocks = {}

    def pump(limit):
        nonlocal buf, away
        s.settimeout(limit)
        try:
            d = s.recv(262144)
        except socket.timeout:
            return False
        except OSError:
            d = b""
        if not d:
            res.closed = True
            return True
        got, rest = stubs.frames(buf + d)
        buf = rest
        for typ, flags, fid, data in got:
            if typ == 4 and not flags & 1:
                s.sendall(stubs.frame(4, 1, 0))
            elif typ == 6 and not flags & 1:
                s.sendall(stubs.frame(6, 1, 0, data))
            elif typ == 7:
                away = int.from_bytes(data[4:8], "big")
            elif typ == 3 and fid in streams:
                r = streams[fid][0]
                code = int.from_bytes(data[:4], "big")
                if fid not in done or code:
                    r.status = "rst%d" % code if r.status is None else \
                        "%s+rst%d" % (r.status, code)
                done.add(fid)
            elif typ in (1, 9):
                blocks[fid] = blocks.get(fid, b"") \
                    + stubs.unpad(typ, flags, data)
                if flags & 4:
                    pairs = hp.decode(blocks.pop(fid))
                    r, inter = streams.setdefault(fid, (Reply(), []))
                    st = dict(pairs).get(":status")
                    if st and st.startswith("1"):
                        inter.append(st)
                        continue
                    if st:
                        r.status = st
                        r.fields = [p for p in pairs if p[0] != ":status"]
                    else:
                        r.fields += [("trailer-" + n, v) for n, v in pairs]
            elif typ == 0 and fid in streams:
                r = streams[fid][0]
                r.body += stubs.unpad(typ, flags, data)
                if data:
                    inc = len(data).to_bytes(4, "big")
                    s.sendall(stubs.frame(8, 0, 0, inc)
                              + stubs.frame(8, 0, fid, inc))
            if typ in (0, 1) and flags & 1:
                done.add(fid)
        return True

    for at, st in later + [(len(out), None)]:
        try:
            s.sendall(out[pos:at])
        except OSError:
            break
        pos = at
        if st and st[0] == "pause":
            time.sleep(st[1] / 1000.0)
        elif st:
            pump(1)
    last = time.time()
    while not res.closed and away in (None, 0):
        if order and all(x in done for x in order):
            break
        if pump(0.05):
            last = time.time()
        elif time.time() - last > idle:
            break
    if not res.closed and not away:
        pump(0.03)
    for x in order:
        r, inter = streams[x]
        if r.status is None:
            continue
        for i in inter:
            q = Reply()
            q.status = i
            res.replies.append(q)
        res.replies.append(r)
    if away:
        q = Reply()
        q.status = "goaway%d" % away
        if res.replies:
            q.fields, q.body = res.replies[-1].fields, res.replies[-1].body
        res.replies.append(q)
    return res


def talk(port, steps, want, idle, check_conn, mode="", opts=(), certs=""):
    """Send the steps, collect replies until `want` final ones (or idle)."""
    if mode == "u":
        return talk_udp(port, steps, idle)
    res = Result()
    s = socket.create_connection(("127.0.0.1", port), timeout=5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    extra = []
    if "s" in mode:
        if mode == "hs":
            opts = list(opts) + ["alpn=h2"]
        try:
            s = tls_connect(s, certs, opts, host_of(steps))
        except (OSError, ValueError) as e:
            res.failed = getattr(e, "reason", "") or str(e)
            res.leftover = res.failed.encode()
            res.closed = True
            s.close()
            return res
        extra = tls_fields(s)
    if "h" in mode:
        res = talk_h2(s, steps, idle, "https" if "s" in mode else "http")
        for r in res.replies:
            r.fields = r.fields + extra
        s.close()
        return res
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
        elif st[0] == "want":
            end = time.time() + 2
            while time.time() < end and not eof and len(buf) < st[1]:
                pump(0.2)
        elif st[0] == "shut":
            try:
                if "s" not in mode:
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
    for r in res.replies:
        r.fields += extra
    if check_conn:
        end = time.time() + (1.0 if check_conn == "close" else 0.12)
        while not eof and time.time() < end:
            pump(0.04)
        collect()
    res.closed = eof
    res.leftover = buf
    s.close()
    return res
