# SPDX-License-Identifier: BSD-2-Clause
"""Stub upstreams, certificates and the HTTP/2 client of run.py.

Every stub appends a Seen to one shared list.  A stub finds out by itself what
is spoken to it: TLS (first byte 0x16), HTTP/2 with prior knowledge, a PROXY
protocol header.  What a stub answers is steered by request fields (for the
gateway protocols the same names as HTTP_X_... parameters):

  X-Reply: TEXT        the whole answer, escaped; `close` = no answer at all
  X-Reply-2: TEXT      the same for one stub only (1, 2, fcgi, uwsgi, scgi)
  X-Keep: 1            keep the connection open after the answer; after CONNECT
                       or with Upgrade: become a tunnel that answers `echo:`...
  X-Delay: MS          wait before answering; X-Delay-1: in one stub only
  X-Stderr: TEXT       FastCGI only: sent as FCGI_STDERR first
  X-Split: N           FastCGI only: FCGI_STDOUT records of N bytes
  X-Raw: TEXT          FastCGI only: bytes on the wire instead of records

On HTTP/2 X-Reply is written as if it were HTTP/1.1 and becomes HEADERS + DATA;
fields `trailer-NAME: v` go into trailers; `rst N` resets the stream; `goaway N`.
memcached: key `hit...` has the value "value of KEY", `gz...` a gzipped one with
flags 2, `flags...` flags 5; `err...` ERROR, `srv...` SERVER_ERROR, `junk...`
nonsense, `short...` closes half way, `close...` closes at once; others: END.
The TCP stub answers `echo:` and what it got, and closes when its peer does.
"""
import gzip
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time

from frames import Hpack, frame, frames, hp_encode, unpad

UNESCAPE = None                         # set by run.py


class Seen:
    def __init__(self, line, fields, body, meta):
        self.line = line
        self.fields = fields
        self.body = body
        self.meta = meta                # at, nth, sni, tls, cert, alpn, proxy


# ---------------------------------------------------------------- certificates

CA_CONF = """\
[ca]
default_ca = d
[d]
dir = .
database = ./index.txt
serial = ./serial
crlnumber = ./crlnumber
new_certs_dir = .
default_md = sha256
policy = p
default_crl_days = 3650
unique_subject = no
copy_extensions = copy
[p]
organizationName = optional
commonName = supplied
[req]
distinguished_name = dn
[dn]
"""

# name: (subject, SAN, CA, validity)
CERTS = {
    "a": ("/O=Truth/CN=a.test", "DNS:a.test,DNS:*.a.test", "ca", ""),
    "b": ("/O=Truth/CN=b.test", "DNS:b.test", "ca", ""),
    "up": ("/O=Truth/CN=up.test", "DNS:up.test", "ca", ""),
    "client": ("/O=Truth/CN=client one", "", "ca", ""),
    "client2": ("/O=Truth/CN=client two", "", "ca", ""),
    "other": ("/O=Other/CN=other client", "", "otherca", ""),
    "expired": ("/O=Truth/CN=expired client", "", "ca", "old"),
    "revoked": ("/O=Truth/CN=revoked client", "", "ca", ""),
}


def make_certs(d):
    """Files in d: ca.pem otherca.pem NAME.pem NAME.key crl.pem enc.key pass
    chain.pem bad.pem dh.pem; serial numbers start at 1001 (hex)."""
    os.makedirs(d)
    os.chmod(d, 0o755)

    def run(*args):
        subprocess.run(("openssl",) + args, cwd=d, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def put(name, text):
        with open(os.path.join(d, name), "w") as f:
            f.write(text)
    put("ca.conf", CA_CONF)
    put("index.txt", "")
    put("serial", "1001\n")
    put("crlnumber", "01\n")
    put("pass", "wrong\nopen sesame\n")
    put("bad.pem", "-----BEGIN CERTIFICATE-----\nnothing\n")
    for ca, cn in (("ca", "Truth CA"), ("otherca", "Other CA")):
        run("ecparam", "-name", "prime256v1", "-genkey", "-noout",
            "-out", ca + ".key")
        run("req", "-x509", "-new", "-key", ca + ".key", "-out", ca + ".pem",
            "-subj", "/O=Truth/CN=" + cn, "-days", "3650", "-sha256")
    for name, (subj, san, ca, when) in CERTS.items():
        run("ecparam", "-name", "prime256v1", "-genkey", "-noout",
            "-out", name + ".key")
        req = ["req", "-new", "-key", name + ".key", "-out", name + ".csr",
               "-subj", subj, "-config", "ca.conf"]
        if san:
            req += ["-addext", "subjectAltName=" + san]
        run(*req)
        dates = ["-startdate", "20200101000000Z", "-enddate",
                 "20210101000000Z" if when else "20491231235959Z"]
        run("ca", "-batch", "-notext", "-config", "ca.conf", "-cert",
            ca + ".pem", "-keyfile", ca + ".key", "-in", name + ".csr",
            "-out", name + ".pem", *dates)
    run("ca", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile", "ca.key",
        "-revoke", "revoked.pem")
    run("ca", "-gencrl", "-config", "ca.conf", "-cert", "ca.pem", "-keyfile",
        "ca.key", "-out", "crl.pem")
    run("ec", "-in", "a.key", "-aes128", "-passout", "pass:open sesame",
        "-out", "enc.key")
    with open(os.path.join(d, "a.pem")) as a, \
            open(os.path.join(d, "ca.pem")) as c:
        put("chain.pem", a.read() + c.read())
    for n in os.listdir(d):
        os.chmod(os.path.join(d, n), 0o644)


# ---------------------------------------------------------------- servers

class Stubs:
    """All stub servers of a bench."""

    def __init__(self, base, certdir):
        self.seen = []
        self.lock = threading.Lock()
        self.certlock = threading.Lock()
        self.certdir = certdir
        self.sctx = None
        self.sni = {}
        self.stop = False
        self.busy = 0                   # connections that are being closed
        self.socks = []
        self.dnsport = base + 19
        self.base = base
        for port, name in ((12, "2"), (14, "fcgi"), (15, "uwsgi"),
                           (16, "scgi"), (17, "memc"), (18, "tcp")):
            self.listen(("127.0.0.1", base + port), name)
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("127.0.0.1", self.dnsport))
        self.socks.append(u)
        threading.Thread(target=self.dns, args=(u,), daemon=True).start()
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("127.0.0.1", base + 18))
        self.socks.append(u)
        threading.Thread(target=self.udp, args=(u,), daemon=True).start()

    def listen(self, addr, name):
        if isinstance(addr, str):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.bind(addr)
            os.chmod(addr, 0o777)
        else:
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(addr)
        s.listen(64)
        self.socks.append(s)
        threading.Thread(target=self.accept, args=(s, name),
                         daemon=True).start()

    def certs(self):
        with self.certlock:
            if not os.path.exists(os.path.join(self.certdir, "chain.pem")):
                make_certs(self.certdir)
            if self.sctx is None:
                c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                c.load_cert_chain(os.path.join(self.certdir, "up.pem"),
                                  os.path.join(self.certdir, "up.key"))
                c.load_verify_locations(os.path.join(self.certdir, "ca.pem"))
                c.verify_mode = ssl.CERT_OPTIONAL
                c.set_alpn_protocols(["h2", "http/1.1"])
                c.sni_callback = self.on_sni
                self.sctx = c

    def on_sni(self, sock, name, ctx):
        self.sni[id(sock)] = name

    def accept(self, s, name):
        while not self.stop:
            try:
                c, _ = s.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c, name),
                             daemon=True).start()

    def serve(self, c, name):
        meta = {"at": name}
        try:
            c.settimeout(8)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
            if name == "tcp":
                self.tcp(c)
                return
            b = c.recv(1, socket.MSG_PEEK)
            if b == b"P":
                h = b""
                t = time.time() + 1
                while len(h) < 6 and time.time() < t:
                    h = c.recv(6, socket.MSG_PEEK)
                if h == b"PROXY ":
                    line = b""
                    while not line.endswith(b"\n"):
                        x = c.recv(1)
                        if not x:
                            return
                        line += x
                    meta["proxy"] = line.decode("latin-1").strip()
                    b = c.recv(1, socket.MSG_PEEK)
            if b == b"\x16":
                self.certs()
                t = self.sctx.wrap_socket(c, server_side=True,
                                          do_handshake_on_connect=False)
                c = t
                c.do_handshake()
                meta["tls"] = c.version()
                meta["sni"] = self.sni.pop(id(t), None) or ""
                meta["alpn"] = c.selected_alpn_protocol() or ""
                cert = c.getpeercert()
                meta["cert"] = cert and ",".join(
                    v for r in cert["subject"] for k, v in r
                    if k == "commonName") or ""
                meta["reused"] = "1" if c.session_reused else "0"
            f = c.makefile("rwb", buffering=65536)
            if name == "fcgi":
                self.fastcgi(f, meta)
            elif name == "uwsgi":
                self.uwsgi(f, meta)
            elif name == "scgi":
                self.scgi(f, meta)
            elif name == "memc":
                self.memcached(f, meta)
            else:
                self.http(c, f, meta)
        except (OSError, ValueError, IndexError, struct.error):
            pass
        finally:
            try:
                c.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                c.close()
            except OSError:
                pass
            if meta.get("busy"):
                with self.lock:
                    self.busy -= 1

    def settle(self):
        """Wait until connections that end are closed: a server that keeps
        them must not take one up again in this moment."""
        end = time.time() + 0.3
        while self.busy > 0 and time.time() < end:
            time.sleep(0.001)
        time.sleep(0.001)

    def note(self, line, fields, body, meta):
        meta["nth"] = str(int(meta.get("nth", 0)) + 1)
        with self.lock:
            self.seen.append(Seen(line, fields, body, dict(meta)))

    # ---- HTTP/1

    def http(self, c, f, meta):
        while True:
            line = f.readline(1 << 20)
            if not line:
                return
            if line == b"PRI * HTTP/2.0\r\n":
                self.http2(c, f, meta)
                return
            line = line.rstrip(b"\r\n")
            fields = []
            while True:
                h = f.readline(1 << 20)
                if not h:
                    return
                h = h.rstrip(b"\r\n")
                if not h:
                    break
                n, _, v = h.partition(b":")
                fields.append((n.decode("latin-1"),
                               v.strip().decode("latin-1")))
            low = {n.lower(): v for n, v in fields}
            body = b""
            if "content-length" in low:
                body = f.read(int(low["content-length"]))
            elif "chunked" in low.get("transfer-encoding", ""):
                while True:
                    n = int(f.readline().split(b";")[0], 16)
                    if n:
                        body += f.read(n)
                        f.readline()
                        continue
                    while f.readline() not in (b"\r\n", b"\n", b""):
                        pass
                    break
            self.note(line.decode("latin-1"), fields, body, meta)
            delay = low.get("x-delay-" + meta["at"], low.get("x-delay"))
            if delay:
                time.sleep(int(delay) / 1000.0)
            reply = low.get("x-reply-" + meta["at"], low.get("x-reply"))
            keep = low.get("x-keep")
            if not keep:
                with self.lock:
                    self.busy += 1
                meta["busy"] = True
            if reply == "close":
                return
            if reply:
                f.write(UNESCAPE(reply))
            else:
                f.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                        b"Content-Type: text/plain\r\nX-Up: "
                        + meta["at"].encode() + b"\r\n"
                        + (b"" if keep else b"Connection: close\r\n")
                        + b"\r\n")
                if not line.startswith(b"HEAD"):
                    f.write(b"up")
            f.flush()
            if keep and (line.startswith(b"CONNECT") or low.get("upgrade")):
                while True:                     # a tunnel: echo
                    d = f.read1(65536)
                    if not d:
                        return
                    f.write(b"echo:" + d)
                    f.flush()
            if not keep:
                return

    # ---- HTTP/2 (also gRPC)

    def http2(self, c, f, meta):
        f.readline()
        f.readline()
        f.readline()
        f.write(frame(4, 0, 0))
        f.flush()
        hp = Hpack()
        block = {}
        body = {}
        while True:
            h = f.read(9)
            if len(h) < 9:
                return
            n = int.from_bytes(h[:3], "big")
            typ, flags = h[3], h[4]
            sid = int.from_bytes(h[5:], "big") & 0x7fffffff
            d = f.read(n)
            if typ == 4 and not flags & 1:
                f.write(frame(4, 1, 0))
            elif typ == 6 and not flags & 1:
                f.write(frame(6, 1, 0, d))
            elif typ == 7:
                return
            elif typ in (0, 1, 9):
                if typ == 0:
                    body[sid] = body.get(sid, b"") + unpad(typ, flags, d)
                    if d:
                        inc = struct.pack(">I", len(d))
                        f.write(frame(8, 0, 0, inc))
                        f.write(frame(8, 0, sid, inc))
                else:
                    block[sid] = block.get(sid, b"") + unpad(typ, flags, d)
                if typ == 1 and flags & 1:
                    body.setdefault(sid, b"")
                end = flags & 1 and typ != 9
                if end or (typ == 9 and flags & 4 and sid in body):
                    pairs = hp.decode(block[sid])
                    self.answer2(f, sid, pairs, body[sid], meta)
            f.flush()

    def answer2(self, f, sid, pairs, body, meta):
        low = dict(pairs)
        self.note("%s %s HTTP/2" % (low.get(":method"), low.get(":path")),
                  pairs, body, meta)
        if low.get("x-delay"):
            time.sleep(int(low["x-delay"]) / 1000.0)
        reply = low.get("x-reply-" + meta["at"], low.get("x-reply"))
        if reply == "close":
            raise OSError
        if reply and reply.startswith("rst "):
            f.write(frame(3, 0, sid, struct.pack(">I", int(reply[4:]))))
            return
        if reply and reply.startswith("goaway "):
            f.write(frame(7, 0, 0, struct.pack(">II", 0, int(reply[7:]))))
            f.flush()
            raise OSError
        if reply:
            head, _, out = UNESCAPE(reply).partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            h = [(":status", lines[0].split(" ")[1])]
            tr = []
            for line in lines[1:]:
                n, _, v = line.partition(": ")
                if n.lower().startswith("trailer-"):
                    tr.append((n[8:].lower(), v))
                else:
                    h.append((n.lower(), v))
        else:
            h = [(":status", "200"), ("content-type", "text/plain"),
                 ("x-up", meta["at"])]
            tr = []
            out = b"up"
            if low.get("content-type", "").startswith("application/grpc"):
                h[1] = ("content-type", "application/grpc")
                tr = [("grpc-status", "0"), ("grpc-message", "")]
                out = b"\0\0\0\0\2up"
        if low.get(":method") == "HEAD":
            out = b""
        f.write(frame(1, 4 | (0 if out or tr else 1), sid, hp_encode(h)))
        if out:
            f.write(frame(0, 0 if tr else 1, sid, out))
        if tr:
            f.write(frame(1, 5, sid, hp_encode(tr)))

    # ---- FastCGI

    def fastcgi(self, f, meta):
        while True:
            params = body = b""
            role = fl = 0
            order = []
            while True:
                h = f.read(8)
                if len(h) < 8:
                    return
                _, typ, rid, n, pad, _ = struct.unpack(">BBHHBB", h)
                d = f.read(n)
                f.read(pad)
                if not order or order[-1] != typ:
                    order.append(typ)
                if typ == 1:
                    role, fl = struct.unpack(">HB", d[:3])
                elif typ == 4:
                    params += d
                elif typ == 5:
                    if not n:
                        break
                    body += d
            fields = []
            i = 0
            while i < len(params):
                ln = []
                for _ in (0, 1):
                    x = params[i]
                    if x & 128:
                        x = struct.unpack(">I", params[i:i + 4])[0] \
                            & 0x7fffffff
                        i += 3
                    i += 1
                    ln.append(x)
                k = params[i:i + ln[0]].decode("latin-1")
                i += ln[0]
                fields.append((k, params[i:i + ln[1]].decode("latin-1")))
                i += ln[1]
            low = dict(fields)
            self.note("FASTCGI role=%d flags=%d" % (role, fl), fields, body,
                      meta)
            reply = low.get("HTTP_X_REPLY_FCGI", low.get("HTTP_X_REPLY"))
            if low.get("HTTP_X_DELAY"):
                time.sleep(int(low["HTTP_X_DELAY"]) / 1000.0)
            if reply == "close":
                return
            if low.get("HTTP_X_RAW"):
                f.write(UNESCAPE(low["HTTP_X_RAW"]))
                f.flush()
                return
            out = UNESCAPE(reply) if reply else \
                b"Content-Type: text/plain\r\nX-Up: fcgi\r\n\r\n" \
                + (b"" if low.get("REQUEST_METHOD") == "HEAD" else b"up")

            def rec(t, data):
                f.write(struct.pack(">BBHHBB", 1, t, rid, len(data), 0, 0)
                        + data)
            if low.get("HTTP_X_STDERR"):
                rec(7, UNESCAPE(low["HTTP_X_STDERR"]))
            step = int(low.get("HTTP_X_SPLIT", 32000))
            for i in range(0, len(out), step):
                rec(6, out[i:i + step])
                if step < 32000:
                    f.flush()
                    time.sleep(0.002)
            rec(6, b"")
            rec(3, b"\0" * 8)
            f.flush()
            if not fl & 1:
                return

    # ---- uwsgi, SCGI

    def uwsgi(self, f, meta):
        h = f.read(4)
        m1, n, m2 = struct.unpack("<BHB", h)
        b = f.read(n)
        i = 0
        fields = []
        while i < len(b):
            pair = []
            for _ in (0, 1):
                ln = struct.unpack("<H", b[i:i + 2])[0]
                pair.append(b[i + 2:i + 2 + ln].decode("latin-1"))
                i += 2 + ln
            fields.append(tuple(pair))
        self.cgi(f, "UWSGI modifier1=%d modifier2=%d" % (m1, m2), fields,
                 meta, b"HTTP/1.1 200 OK\r\n")

    def scgi(self, f, meta):
        n = b""
        while not n.endswith(b":"):
            c = f.read(1)
            if not c:
                return
            n += c
        x = f.read(int(n[:-1])).split(b"\0")
        f.read(1)
        fields = [(x[i].decode("latin-1"), x[i + 1].decode("latin-1"))
                  for i in range(0, len(x) - 1, 2)]
        self.cgi(f, "SCGI", fields, meta, b"Status: 200 OK\r\n")

    def cgi(self, f, line, fields, meta, first):
        low = dict(fields)
        n = low.get("CONTENT_LENGTH", "")
        body = f.read(int(n)) if n.isdigit() else b""
        self.note(line, fields, body, meta)
        if low.get("HTTP_X_DELAY"):
            time.sleep(int(low["HTTP_X_DELAY"]) / 1000.0)
        reply = low.get("HTTP_X_REPLY_" + meta["at"].upper(),
                        low.get("HTTP_X_REPLY"))
        if reply == "close":
            return
        f.write(UNESCAPE(reply) if reply else
                first + b"Content-Type: text/plain\r\nX-Up: "
                + meta["at"].encode() + b"\r\n\r\n"
                + (b"" if low.get("REQUEST_METHOD") == "HEAD" else b"up"))
        f.flush()

    # ---- memcached

    def memcached(self, f, meta):
        while True:
            line = f.readline(65536)
            if not line:
                return
            key = line.rstrip(b"\r\n").partition(b" ")[2]
            self.note(line.rstrip(b"\r\n").decode("latin-1"), [], b"", meta)
            name = key.rpartition(b"/")[2]
            value = b"value of " + key
            flags = 0
            if name.startswith(b"close"):
                return
            if name.startswith(b"err"):
                f.write(b"ERROR\r\n")
            elif name.startswith(b"srv"):
                f.write(b"SERVER_ERROR out of memory\r\n")
            elif name.startswith(b"junk"):
                f.write(b"WHAT is this\r\n")
            elif name.startswith(b"short"):
                f.write(b"VALUE " + key + b" 0 50\r\nonly this")
                f.flush()
                return
            elif name.startswith(b"badend"):
                f.write(b"VALUE " + key + b" 0 5\r\nvalue\r\nENX\r\n")
            elif name.startswith(b"badkey"):
                f.write(b"VALUE other 0 5\r\nvalue\r\nEND\r\n")
            elif name.startswith(b"badlen"):
                f.write(b"VALUE " + key + b" 0 x\r\nvalue\r\nEND\r\n")
            elif name.startswith((b"hit", b"gz", b"flags", b"empty")):
                if name.startswith(b"gz"):
                    flags = 2
                    value = gzip.compress(value, mtime=0)
                elif name.startswith(b"flags"):
                    flags = 5
                elif name.startswith(b"empty"):
                    value = b""
                f.write(b"VALUE %s %d %d\r\n%s\r\nEND\r\n"
                        % (key, flags, len(value), value))
            else:
                f.write(b"END\r\n")
            f.flush()

    # ---- TCP, UDP, DNS

    def tcp(self, c):
        meta = {"at": "tcp"}
        while True:
            d = c.recv(65536)
            if not d:
                return
            with self.lock:
                self.seen.append(Seen(d.decode("latin-1"), [], d, meta))
            c.sendall(b"echo:" + d)

    def udp(self, u):
        while not self.stop:
            try:
                d, a = u.recvfrom(65535)
                with self.lock:
                    self.seen.append(Seen(d.decode("latin-1"), [], d,
                                          {"at": "udp"}))
                u.sendto(b"echo:" + d, a)
            except (OSError, TypeError):
                if self.stop:
                    return

    def dns(self, u):
        """up.test 127.0.0.1, two.test 127.0.0.1 and .2, cname.test -> up.test,
        nx.test NXDOMAIN, fail.test SERVFAIL, empty.test no data, slow.test
        silence, _http._tcp.up.test SRV to both echo upstreams."""
        while not self.stop:
            try:
                d, a = u.recvfrom(4096)
            except OSError:
                return
            if not a:
                return
            try:
                i, labels = 12, []
                while d[i]:
                    labels.append(d[i + 1:i + 1 + d[i]].decode().lower())
                    i += 1 + d[i]
                q = d[12:i + 5]
                typ = struct.unpack(">H", q[-4:-2])[0]
                name = ".".join(labels)

                def rr(t, data, owner=b"\xc0\x0c"):
                    return owner + struct.pack(">HHIH", t, 1, 60,
                                               len(data)) + data

                def enc(n):
                    return b"".join(bytes([len(x)]) + x.encode()
                                    for x in n.split(".")) + b"\0"
                one = b"\x7f\0\0\1"
                ans, code = [], 0
                if name == "slow.test":
                    continue
                if name == "fail.test":
                    code = 2
                elif name in ("up.test", "a.up.test") and typ == 1:
                    ans = [rr(1, one)]
                elif name == "two.test" and typ == 1:
                    ans = [rr(1, one), rr(1, b"\x7f\0\0\2")]
                elif name == "cname.test" and typ in (1, 28):
                    ans = [rr(5, enc("up.test"))]
                    if typ == 1:
                        ans.append(rr(1, one, enc("up.test")))
                elif name == "_http._tcp.up.test" and typ == 33:
                    ans = [rr(33, struct.pack(">HHH", 1, 1, self.base + 10)
                              + enc("up.test")),
                           rr(33, struct.pack(">HHH", 2, 1, self.base + 12)
                              + enc("a.up.test"))]
                elif typ == 12:
                    ans = [rr(12, enc("ptr.test"))]
                elif name not in ("up.test", "two.test", "empty.test",
                                  "cname.test", "a.up.test"):
                    code = 3
                u.sendto(d[:2] + struct.pack(">HHHHH", 0x8180 | code, 1,
                                             len(ans), 0, 0)
                         + q + b"".join(ans), a)
            except (IndexError, struct.error, UnicodeDecodeError):
                pass

    def close(self):
        self.stop = True
        for s in self.socks:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
