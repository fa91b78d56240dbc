# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/1.x on raw sockets, read as it comes: a peer that breaks every rule has
to be seen as it is, which no client library allows.

Every read has a limit in seconds, and what comes is at most LIMIT bytes.
"""

import re
import socket
import struct
import time
import zlib

LIMIT = 8 << 20
CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding:[^\r]*chunked")
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Wire:
    """A connection, and what was read of it beyond what was asked for."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""
        self.eof = False
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.sock.sendall(data)

    def fill(self, seconds):
        """Reads once: None when nothing came in time, b"" at the end."""
        self.sock.settimeout(max(seconds, 0.001))
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, socket.timeout):
            return None
        except OSError:
            data = b""
        if not data or len(self.buf) > LIMIT:
            self.eof = True
        self.buf += data
        return data

    def _fill_until(self, done, seconds):
        end = time.monotonic() + seconds
        while not self.eof and not done():
            left = end - time.monotonic()
            if left <= 0 or self.fill(left) is None:
                break

    def _take(self, n):
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def until(self, mark, seconds=5):
        """What stands up to the mark and with it; all there is without one."""
        self._fill_until(lambda: mark in self.buf, seconds)
        at = self.buf.find(mark)
        return self._take(len(self.buf) if at < 0 else at + len(mark))

    def exact(self, n, seconds=5):
        """n bytes, or all there are."""
        self._fill_until(lambda: len(self.buf) >= n, seconds)
        return self._take(n)

    def rest(self, seconds=5):
        """Everything up to the end of the connection."""
        self._fill_until(lambda: False, seconds)
        return self._take(len(self.buf))

    def head(self, seconds=5):
        return self.until(b"\r\n\r\n", seconds)

    def chunks(self, seconds=5):
        """A chunked body: (bytes, "ok", "cut" or "badchunk").  Trailers stand
        behind the body as <name: value>."""
        out = b""
        while True:
            line = self.until(b"\r\n", seconds)
            if not line.endswith(b"\r\n"):
                return out, "cut"
            try:
                n = int(line.split(b";")[0], 16)
            except ValueError:
                return out, "badchunk"
            if n == 0:
                return self._trailers(out, seconds)
            data = self.exact(n, seconds)
            out += data
            if len(data) < n:
                return out, "cut"
            if self.exact(2, seconds) != b"\r\n":
                return out, "badchunk"

    def _trailers(self, out, seconds):
        while True:
            line = self.until(b"\r\n", seconds)
            if line == b"\r\n":
                return out, "ok"
            if not line.endswith(b"\r\n"):
                return out, "cut"
            out += b"<" + line[:-2] + b">"

    def body(self, head, seconds=5):
        """The body of a request with that head: (bytes, how it ended)."""
        if CHUNKED.search(head):
            return self.chunks(seconds)
        m = LENGTH.search(head)
        if not m:
            return b"", "ok"
        data = self.exact(int(m.group(1)), seconds)
        return data, "ok" if len(data) == int(m.group(1)) else "cut"

    def response(self, to_head=False, seconds=5):
        """(head, body, how it ended).  "eof": the end of the connection is
        that of the body; "open": it did not come."""
        head = self.head(seconds)
        if not head.endswith(b"\r\n\r\n"):
            return head, b"", "cut"
        m = re.match(rb"HTTP/1\.\d (\d{3})", head)
        status = int(m.group(1)) if m else 0
        if to_head or status in (204, 304) or 100 <= status < 200:
            return head, b"", "ok"
        if CHUNKED.search(head) or LENGTH.search(head):
            return (head,) + self.body(head, seconds)
        data = self.rest(seconds)
        return head, data, "eof" if self.eof else "open"

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def connect(address, receive_buffer=0):
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(5)
    sock.connect(address)
    return Wire(sock)


def unzip(head, body):
    """Of a compressed response what it says, marked; its length is zlib's."""
    if body[:2] != b"\x1f\x8b":
        return head, body
    try:
        body = b"GZ" + zlib.decompressobj(31).decompress(body)
    except zlib.error:
        body = b"broken gzip"
    return re.sub(rb"Content-Length: \d+\r\n", b"", head), body


def request_sorted(head):
    """A request's head with its fields in order of the alphabet.  Connection
    is left out: it depends on the oracle's defaults."""
    line, *fields = head.split(b"\r\n")[:-2]
    fields = [f for f in fields
              if f.lower() not in (b"connection: close",
                                   b"connection: keep-alive")]
    return b"\r\n".join([line] + sorted(fields)).decode("latin-1")


def response_sorted(head, without):
    """A response's head with its fields in order, without those named."""
    line, *fields = head.split(b"\r\n")
    fields = [f for f in fields
              if f and f.split(b":")[0].lower() not in without]
    return "|".join(x.decode("latin-1") for x in [line] + sorted(fields))
