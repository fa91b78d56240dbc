# SPDX-License-Identifier: BSD-2-Clause
"""HTTP/2 frames and HPACK, for the stubs and the client of run.py."""
import struct

# code lengths of the 256 symbols; the code is canonical
HUFF_LEN = [0] * 256
for _line in """\
5:48,49,50,97,99,101,105,111,115,116
6:32,37,45,46,47,51-57,61,65,95,98,100,102-104,108-110,112,114,117
7:58,66-87,89,106,107,113,118-122
8:38,42,44,59,88,90
10:33,34,40,41,63
11:39,43,124
12:35,62
13:0,36,64,91,93,126
14:94,125
15:60,96,123
19:92,195,208
20:128,130,131,162,184,194,224,226
21:153,161,167,172,176,177,179,209,216,217,227,229,230
22:129,132,133,134,136,146,154,156,160,163,164,169,170,173,178,181,185-187,189,190,196,198,228,232,233
23:1,135,137-139,140,141,143,147,149-152,155,157,158,165,166,168,174,175,180,182,183,188,191,197,231,239
24:9,142,144,145,148,159,171,206,215,225,236,237
25:199,207,234,235
26:192,193,200-202,205,210,213,218,219,238,240,242,243,255
27:203,204,211,212,214,221-223,241,244-254
28:2-8,11,12,14-21,23-31,127,220,249
30:10,13,22""".split("\n"):
    _n, _, _s = _line.partition(":")
    for _p in _s.split(","):
        _a, _, _b = _p.partition("-")
        for _i in range(int(_a), int(_b or _a) + 1):
            HUFF_LEN[_i] = int(_n)
HUFF = {}
_code = _prev = 0
for _i in sorted(range(256), key=lambda x: (HUFF_LEN[x], x)):
    _code <<= HUFF_LEN[_i] - _prev
    _prev = HUFF_LEN[_i]
    HUFF[(_prev, _code)] = _i
    _code += 1

STATIC = [("", "")] + [tuple(x.replace("_", " ").split("|")) for x in (
    ":authority| :method|GET :method|POST :path|/ :path|/index.html "
    ":scheme|http :scheme|https :status|200 :status|204 :status|206 "
    ":status|304 :status|400 :status|404 :status|500 accept-charset| "
    "accept-encoding|gzip,_deflate accept-language| accept-ranges| accept| "
    "access-control-allow-origin| age| allow| authorization| cache-control| "
    "content-disposition| content-encoding| content-language| "
    "content-length| content-location| content-range| content-type| cookie| "
    "date| etag| expect| expires| from| host| if-match| if-modified-since| "
    "if-none-match| if-range| if-unmodified-since| last-modified| link| "
    "location| max-forwards| proxy-authenticate| proxy-authorization| range| "
    "referer| refresh| retry-after| server| set-cookie| "
    "strict-transport-security| transfer-encoding| user-agent| vary| via| "
    "www-authenticate|").split(" ")]


def huff_decode(data):
    out = bytearray()
    code = n = 0
    for b in data:
        for i in range(7, -1, -1):
            code = (code << 1) | ((b >> i) & 1)
            n += 1
            if (n, code) in HUFF:
                out.append(HUFF[(n, code)])
                code = n = 0
    return bytes(out)


class Hpack:
    def __init__(self):
        self.dyn = []

    def get(self, i):
        if i < len(STATIC):
            return STATIC[i]
        i -= len(STATIC)
        return self.dyn[i] if i < len(self.dyn) else ("?", "?")

    def decode(self, b):
        self.b, self.pos = b, 0
        out = []
        while self.pos < len(b):
            c = b[self.pos]
            if c & 0x80:
                out.append(self.get(self.num(7)))
            elif c & 0xe0 == 0x20:
                self.num(5)
            else:
                keep = c & 0x40
                i = self.num(6 if keep else 4)
                name = self.get(i)[0] if i else self.text()
                pair = (name, self.text())
                if keep:
                    self.dyn.insert(0, pair)
                out.append(pair)
        return out

    def num(self, bits):
        v = self.b[self.pos] & ((1 << bits) - 1)
        self.pos += 1
        if v < (1 << bits) - 1:
            return v
        m = 0
        while True:
            c = self.b[self.pos]
            self.pos += 1
            v += (c & 127) << m
            m += 7
            if not c & 128:
                return v

    def text(self):
        h = self.b[self.pos] & 128
        n = self.num(7)
        s = self.b[self.pos:self.pos + n]
        self.pos += n
        return (huff_decode(s) if h else bytes(s)).decode("latin-1")


def hp_int(v, bits, first):
    top = (1 << bits) - 1
    if v < top:
        return bytes([first | v])
    out = [first | top]
    v -= top
    while v >= 128:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def hp_encode(pairs):
    out = b""
    for n, v in pairs:
        n = n.encode("latin-1")
        v = v.encode("latin-1")
        out += b"\0" + hp_int(len(n), 7, 0) + n + hp_int(len(v), 7, 0) + v
    return out


def frame(typ, flags, sid, data=b""):
    return struct.pack(">I", len(data))[1:] + bytes([typ, flags]) \
        + struct.pack(">I", sid) + data


def frames(data):
    """Split buffered bytes into frames; returns (list, rest)."""
    out = []
    while len(data) >= 9:
        n = int.from_bytes(data[:3], "big")
        if len(data) < 9 + n:
            break
        out.append((data[3], data[4],
                    int.from_bytes(data[5:9], "big") & 0x7fffffff,
                    data[9:9 + n]))
        data = data[9 + n:]
    return out, data


def unpad(typ, flags, data):
    if flags & 8 and typ in (0, 1):
        data = data[1:len(data) - data[0]]
    if typ == 1 and flags & 0x20:
        data = data[5:]
    return data
