# SPDX-License-Identifier: BSD-2-Clause
"""Random peers: clients that split, stall and leave, and backends that split,
stall, close early, reset and lie about lengths.  One configuration; of each
seed the client follows a plan (class Plan), and the backend another for each
request (class Script), so that both servers meet the same.

Compared are the answers that the client got and what the backend was asked;
of clients that leave, that the server lives on.  A seed that differs is
repeated alone, and counts only when it differs each time: what depends on the
clock says nothing.
"""

import hashlib
import random
import re
import threading
import time

from servers import ADDRESSES, Backend, Server, free_ports, plain
from wire import CHUNKED, LENGTH, connect, response_sorted, unzip

CONF = """
access_log off;
proxy_http_version 1.1;
upstream k { server %HOST%:%B%; keepalive 16; }
upstream two {
    server %HOST%:%B% max_fails=0; server %HOST%:%C% max_fails=0;
    keepalive 16;
}
proxy_read_timeout 700ms; proxy_send_timeout 700ms; send_timeout 2s;
client_body_timeout 700ms; client_header_timeout 700ms; keepalive_timeout 3s;
client_max_body_size 60k; client_body_buffer_size 8k;
lingering_timeout 100ms; lingering_time 1s;
proxy_set_header Connection "";
server {
    listen %HOST%:%P%;
    location /b/ { proxy_pass http://k; }
    location /nb/ { proxy_pass http://k; proxy_buffering off; }
    location /rs/ { proxy_pass http://k; proxy_request_buffering off; }
    location /rsnb/ {
        proxy_pass http://k;
        proxy_request_buffering off; proxy_buffering off;
    }
    location /small/ {
        proxy_pass http://k; client_body_buffer_size 1k;
        proxy_buffer_size 1k; proxy_buffers 4 1k; proxy_busy_buffers_size 2k;
        proxy_max_temp_file_size 30k; proxy_temp_file_write_size 4k;
    }
    location /retry/ {
        proxy_pass http://two;
        proxy_next_upstream error timeout invalid_header http_500 http_502
            http_503 http_404 non_idempotent;
    }
    location /gz/ {
        proxy_pass http://k;
        gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any;
    }
    location /h10/ { proxy_pass http://k; proxy_http_version 1.0; }
    location /int/ {
        proxy_pass http://k; proxy_intercept_errors on;
        error_page 404 403 413 500 502 503 504 /ep;
    }
    location = /ep { internal; return 200 "page $request_method"; }
    location /rate/ { proxy_pass http://k; limit_rate 500k; }
    location /accel/ { proxy_pass http://k; }
    location /acc/ { internal; proxy_pass http://k/b/; }
    location /one/ {
        proxy_pass http://%HOST%:%B%; proxy_max_temp_file_size 0;
        proxy_buffers 2 4k; proxy_busy_buffers_size 4k; proxy_buffer_size 4k;
        proxy_pass_trailers on;
    }
}
"""

LOCATIONS = ["b", "nb", "rs", "rsnb", "small", "retry", "gz", "h10", "int",
             "rate", "accel", "one"]
FIELDS = [
    b"X-A: b", b"X-Long: " + b"q" * 900, b"Set-Cookie: a=b; Path=/",
    b"Set-Cookie: c=d", b"Content-Type: text/html",
    b"Content-Type: application/json", b'ETag: "x"',
    b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
    b"Cache-Control: no-cache", b"Connection: close",
    b"Connection: keep-alive", b"Keep-Alive: timeout=5", b"Vary: Origin",
    b"X-Accel-Buffering: no", b"X-Accel-Buffering: yes", b"Location: /x",
    b"Content-Encoding: gzip", b"Accept-Ranges: bytes",
    b"X-Accel-Limit-Rate: 200000", b"X-Empty:", b"Trailer: X-T",
    b"Server: up", b"Date: x"]
# Names that may stand twice: what comes of others depends on the version
REPEATED = (b"set-cookie",)
FREE_FIELDS = (b"date", b"server")
LEAVE = ("abort", "abort-response", "half-close")


class Plan:
    """What the client of a seed does."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.seed = seed
        count = rng.choice([1] * 6 + [2, 3, 4])
        self.requests = [self.request(rng, i, i == count - 1)
                         for i in range(count)]
        self.data = b"".join(r[3] for r in self.requests)
        self.mode = rng.choice(["normal"] * 12 + ["half-close", "abort",
                                                  "abort-response", "slow",
                                                  "slow"])
        pieces = rng.choice([1, 1, 1, 2, 3, 8])
        self.ends = [rng.randrange(len(self.data) + 1)
                     for _ in range(pieces - 1)]
        self.delays = [rng.choice([0, 0, .001, .005, .03])
                       for _ in range(pieces)]
        self.cut = rng.randrange(1, len(self.data) + 1)
        self.read = rng.randrange(30000)
        # Waits for each response before it asks again
        self.serial = rng.random() < .5

    def script(self, sub, method, accel, old):
        """What the backend does with request sub; those of X-Accel-Redirect
        count from 500."""
        return Script(self.seed, sub, method, accel,
                      sub % 500 == len(self.requests) - 1, old)

    def breaks_off(self, i, old):
        """Whether the backend does not end its response to request i well."""
        method, where = self.requests[i][:2]
        scripts = [self.script(i, method.encode(), where == "accel", old),
                   self.script(i + 500, method.encode(), False, old)]
        return any(s.fault in Script.BREAKS or s.ending == "reset"
                   for s in scripts[:1 + (where == "accel")])

    def answered_early(self, i, old):
        """Whether one of the requests up to i is not buffered, and answered
        before its body is read."""
        for k, (method, where, _, data) in enumerate(self.requests[:i + 1]):
            body = data.split(b"\r\n\r\n", 1)[1]
            script = self.script(k, method.encode(), False, old)
            if where in ("rs", "rsnb") and body and script.reading != "all":
                return True
        return False

    def request(self, rng, i, last):
        """(method, location, key, bytes)"""
        method = rng.choice(["GET"] * 6 + ["POST"] * 4
                            + ["PUT", "HEAD", "DELETE", "OPTIONS"])
        where = rng.choice(LOCATIONS)
        key = "%d-%d" % (self.seed, i)
        version = "1.0" if rng.random() < .06 else "1.1"
        fields = rng.choice(["", "", "", "Connection: keep-alive\r\n",
                             "Connection: close\r\n"])
        if not last:
            fields = "Connection: keep-alive\r\n" if version == "1.0" else ""
        if rng.random() < .15:
            fields += "Accept-Encoding: gzip\r\n"
        if rng.random() < .05:
            fields += "Range: bytes=0-9\r\n"
        if rng.random() < .05:
            fields += 'If-None-Match: "x"\r\n'
        body = b""
        if method in ("POST", "PUT") or rng.random() < .05:
            more, body = self.body(rng, version, where)
            fields += more
        head = "%s /%s/%s HTTP/%s\r\nHost: x\r\n%s\r\n" % (
            method, where, key, version, fields)
        return method, where, key, head.encode() + body

    def body(self, rng, version, where):
        n = rng.choice([0, 1, 100, 1000, 1024, 5000, 8192, 8193, 20000, 50000,
                        70000])
        framing = rng.choice(["length", "length", "chunked"])
        if where in ("rs", "rsnb") and framing == "chunked":
            # How much of one above client_max_body_size arrives is chance
            n = min(n, 50000)
        data = (b"0123456789abcde\n" * (n // 16 + 1))[:n]
        expect = rng.random() < .08 and version == "1.1"
        if framing == "length" or version == "1.0":
            fields = "Content-Length: %d\r\n" % n
        else:
            fields = "Transfer-Encoding: chunked\r\n"
            data = chunk(rng, data, [1, 7, 100, 1000, 8192, 30000],
                         [b"", b"", b"", b";e=1"], 900 if n > 5000 else 1)
            data += b"0\r\n"
            data += (b"X-Tr: 1\r\n" if rng.random() < .1 else b"") + b"\r\n"
        return fields + ("Expect: 100-continue\r\n" if expect else ""), data


def chunk(rng, data, sizes, extensions, least):
    """The data in chunks of random sizes, without the last one."""
    out = []
    at = 0
    while at < len(data):
        n = min(len(data) - at, max(rng.choice(sizes), least))
        size = b"%X" % n if rng.random() < .2 else b"%x" % n
        out += [size, rng.choice(extensions), b"\r\n", data[at:at + n],
                b"\r\n"]
        at += n
    return b"".join(out)


class Script:
    """What the backend does with one request."""

    BREAKS = ("short", "badchunk", "nolast", "hangbody")
    FAULTS = ["none"] * 14 + ["short", "extra", "badchunk", "nolast",
                              "headcut", "closebefore", "hang", "hangbody"]

    def __init__(self, seed, sub, method, accel, is_last, old):
        rng = random.Random(seed * 1000 + sub + 7)
        self.rng = rng
        self.is_last = is_last
        self.reading = rng.choice(["all"] * 8 + ["none", "half"])
        self.status = rng.choice([200] * 10 + [201, 204, 206, 301, 302, 304,
                                               403, 404, 413, 500, 502, 503])
        self.version = b"HTTP/1.0" if rng.random() < .08 else b"HTTP/1.1"
        self.fields = unrepeated(rng.sample(FIELDS,
                                            rng.choice([0, 1, 2, 3, 5])))
        n = rng.choice([0, 1, 10, 500, 1000, 4000, 4096, 8192, 20000, 70000,
                        200000])
        word = hashlib.md5(b"%d" % seed).hexdigest().encode()
        self.body = (word * (n // 32 + 1))[:n]
        self.framing = rng.choice(["cl"] * 4 + ["te"] * 4 + ["eof"])
        self.bodiless = method == b"HEAD" or self.status in (204, 304)
        if self.bodiless:
            self.framing = rng.choice(["cl", "none", "te"])
        self.fault = rng.choice(self.FAULTS)
        if accel and rng.random() < .5:
            self.fields.append(b"X-Accel-Redirect: /acc/%d-%d"
                               % (seed, sub + 500))
        self.early = rng.random() < .06 and not old
        # Now and then a body where none belongs
        self.is_stray = self.bodiless and rng.random() < .03
        if self.fault == "hangbody":
            # Whether time that a limit takes counts is chance
            self.fields = [x for x in self.fields if b"Limit-Rate" not in x]
        self.ending = self.choose_ending()
        self.head = self.make_head()
        self.data = self.make_body()
        if self.fault == "headcut":
            self.head = self.head[:rng.randrange(1, len(self.head))]
            self.data = b""

    def choose_ending(self):
        """Whether the connection is kept, closed at once, or reset later.
        An end is announced where more requests follow: what becomes of one
        that meets a connection about to close is chance."""
        ending = self.rng.choice(["keep"] * 6 + ["close", "reset"])
        if self.framing == "eof" and not self.bodiless:
            return "close"
        if self.reading != "all" and ending == "reset":
            ending = "close"
        if self.fault != "none" or self.is_stray:
            ending = "close"
        if ending == "reset" or ending == "close" and not self.is_last:
            self.fields = [x for x in self.fields
                           if not x.startswith(b"Connection")]
            self.fields.append(b"Connection: close")
        if b"Connection: close" in self.fields \
                or self.version == b"HTTP/1.0" \
                and b"Connection: keep-alive" not in self.fields:
            return "close" if ending == "keep" else ending
        return ending

    def make_head(self):
        head = b""
        if self.early:
            head = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        head += self.version + b" %d Some\r\n" % self.status
        head += b"".join(x + b"\r\n" for x in self.fields)
        if self.framing == "cl":
            more = 5 if self.fault == "short" else 0
            head += b"Content-Length: %d\r\n" % (len(self.body) + more)
        if self.framing == "te":
            head += b"Transfer-Encoding: chunked\r\n"
        return head + b"\r\n"

    def make_body(self):
        rng = self.rng
        if self.bodiless and not self.is_stray:
            return b""
        data = self.body
        if self.framing == "te":
            data = chunk(rng, data, [1, 10, 100, 1000, 5000, 40000, 100000],
                         [b""] * 8 + [b";a=b", b" ", b';x="y"'],
                         3000 if len(data) > 20000 else 1)
            if self.fault == "badchunk":
                data += b"zz\r\n"
            elif self.fault != "nolast":
                trailer = b"X-T: 1\r\n" if rng.random() < .2 else b""
                data += b"0\r\n" + trailer + b"\r\n"
        return data + (b"EXTRA" if self.fault == "extra" else b"")

    def play(self, wire, head):
        """Answers; true when the connection stays open."""
        rng = self.rng
        if self.fault in ("closebefore", "hang"):
            time.sleep(1 if self.fault == "hang" else 0)
            return False
        data = self.head + self.data
        cut = len(data)
        if self.fault == "hangbody" and len(self.data) > 10:
            cut -= len(self.data) // 2
        pieces = rng.choice([1, 1, 1, 2, 3, 6])
        ends = sorted(rng.randrange(len(data) + 1) for _ in range(pieces - 1))
        at = 0
        for end in ends + [len(data)]:
            end = min(end, cut)
            delay = rng.choice([0, 0, .001, .005, .02])
            if end > at:
                wire.send(data[at:end])
                at = end
            if at < cut:
                time.sleep(delay)
        if cut < len(data):
            time.sleep(1)
            return False
        if self.fault in ("short", "nolast", "badchunk", "headcut"):
            if self.reading != "all":
                wire.body(head, 1)
            return False
        return self.end(wire, head)

    def end(self, wire, head):
        if self.reading != "all":
            # Bytes that nobody reads would end it with a reset, which may
            # overtake the response
            wire.body(head, 1)
        elif self.ending == "reset":
            time.sleep(.01)
            wire.reset()
        return self.ending == "keep"


def unrepeated(fields):
    out = {}
    for field in fields:
        name = field.split(b":")[0].lower()
        out.setdefault(field if name in REPEATED else name, field)
    return list(out.values())


class Side:
    """One server, and its backend on two ports."""

    def __init__(self, binary, folder, ports, old):
        self.binary, self.old = binary, old
        self.seen = {}
        self.lock = threading.Lock()
        host = ADDRESSES[binary.name]
        self.backends = [Backend((host, ports[x]), self.serve) for x in "BC"]
        conf = CONF
        for name, port in ports.items():
            conf = conf.replace("%%%s%%" % name, str(port))
        self.server = Server(binary, folder, conf, ports["P"], old)
        refused = self.server.start()
        if refused:
            raise RuntimeError("%s: %s" % (binary.name, refused))

    def note(self, key, what):
        with self.lock:
            self.seen.setdefault(key, []).append(what)

    def serve(self, wire):
        while self.exchange(wire):
            pass

    def exchange(self, wire):
        head = wire.head(6)
        if not head.endswith(b"\r\n\r\n"):
            return False
        method, uri = head.split(b" ")[:2]
        key = uri.decode("latin-1").split("/")[-1]
        if not re.fullmatch(r"\d+-\d+", key):
            self.note("bad", repr(head[:200]))
            return False
        seed, sub = (int(x) for x in key.split("-"))
        script = Plan(seed).script(sub, method, uri.startswith(b"/accel/"),
                                   self.old)
        what = "%s %s" % (method.decode(), uri.decode("latin-1"))
        if script.reading == "all":
            body, _ = wire.body(head, 3)
            m = LENGTH.search(head)
            framing = "chunked" if CHUNKED.search(head) \
                else m.group(1).decode() if m else "-"
            if uri.startswith(b"/rs"):
                # It has a length if it had come as a whole: chance
                framing = "unbuffered"
            what += " %s %d %s" % (framing, len(body), short(body))
        self.note(key, what)
        return script.play(wire, head)

    def run(self, plan):
        """{part: text} of what was seen."""
        keys = ["%d-%d" % (plan.seed, i + more) for i in range(5)
                for more in (0, 500)]
        with self.lock:
            for key in keys:
                self.seen.pop(key, None)
        answers = Client(plan, self.server.address).run()
        # What was asked last is noted by now
        time.sleep(.01)
        with self.lock:
            asked = [x for key in keys for x in self.seen.get(key, [])]
        parts = {"answers": "\n".join(answers), "asked": "\n".join(asked)}
        if plan.mode in LEAVE:
            # When it leaves, how much went to the backend is chance
            parts["answers"] = parts["asked"] = ""
        return {k: plain(self.binary.name, v.encode()).decode()
                for k, v in parts.items()}

    def stop(self):
        self.server.stop()
        for backend in self.backends:
            backend.close()


def short(body):
    return hashlib.md5(body).hexdigest()[:8]


class Client:
    """Follows a plan; run() is the list of what came."""

    def __init__(self, plan, address):
        self.plan = plan
        self.wire = connect(address, 4096 if plan.mode == "slow" else 0)
        self.answers = []
        self.sender = None

    def run(self):
        try:
            if self.plan.mode in ("abort", "abort-response"):
                self.leave()
            else:
                self.talk()
        except OSError as e:
            self.answers.append(type(e).__name__)
        finally:
            self.wire.close()
        return self.answers

    def leave(self):
        plan = self.plan
        if plan.mode == "abort":
            self.wire.send(plan.data[:plan.cut])
            time.sleep(.02)
        else:
            self.wire.send(plan.data)
            self.wire.exact(plan.read, .3)

    def send_in_pieces(self, data):
        ends = sorted({end % (len(data) + 1) for end in self.plan.ends}
                      | {len(data)})
        delays = self.plan.delays + [0] * len(ends)
        at = 0
        try:
            for end, delay in zip(ends, delays):
                self.wire.sock.sendall(data[at:end])
                at = end
                time.sleep(delay)
            if self.plan.mode == "half-close":
                self.wire.sock.shutdown(1)
        except OSError:
            pass

    def send(self, data):
        """In a thread: what is answered early is still sent to its end."""
        if self.sender:
            self.sender.join()
        self.sender = threading.Thread(target=self.send_in_pieces,
                                       args=(data,), daemon=True)
        self.sender.start()

    def talk(self):
        if not self.plan.serial:
            self.send(self.plan.data)
        for method, where, _, data in self.plan.requests:
            if self.plan.serial:
                self.send(data)
            if self.plan.mode == "slow":
                time.sleep(.05)
            head, body, end = self.response(method)
            self.answers.append(self.describe(where, head, body, end))
            if end != "ok" or b"onnection: close" in head:
                break
        if self.wire.buf:
            self.answers.append("behind it: %r" % self.wire.buf[:80])

    def response(self, method):
        while True:
            head, body, end = self.wire.response(method == "HEAD", 3.5)
            if not re.match(rb"HTTP/1.1 1(?!01)", head) or end != "ok":
                return head, body, end

    def describe(self, where, head, body, end):
        if end == "cut":
            return "cut"
        head, body = unzip(head, body)
        if where == "gz" and len(body) < 16:
            # Such small ones are not worth it to one of the two
            head = re.sub(rb"(?:Content-(?:Length|Encoding)|Vary|"
                          rb"Transfer-Encoding): [^\r]*\r\n", b"", head)
            body = body.replace(b"GZ", b"")
        said = "html" if b"<html>" in body else short(body)
        return "%s %d %s %s" % (response_sorted(head, FREE_FIELDS), len(body),
                                said, end)


def both(sides, plan):
    seen = [side.run(plan) for side in sides]
    return seen if seen[0] != seen[1] else None


def compare_all(sides, seeds, parallel):
    """The seeds that differed at first."""
    lock = threading.Lock()
    differed = []
    seeds = iter(seeds)

    def work():
        while True:
            with lock:
                seed = next(seeds, None)
            if seed is None:
                return
            if both(sides, Plan(seed)):
                with lock:
                    differed.append(seed)

    threads = [threading.Thread(target=work) for _ in range(parallel)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return sorted(differed)


def again(sides, seed):
    """What differs each of three times, or None."""
    plan = Plan(seed)
    for _ in range(3):
        seen = both(sides, plan)
        if not seen:
            return None
        time.sleep(.05)
    return plan, seen


def run(binaries, folder, seeds, report, old, o):
    ports = dict(zip("PBC", free_ports(3)))
    sides = []
    try:
        for binary in binaries:
            sides.append(Side(binary, folder, ports, old))
        for seed in compare_all(sides, seeds, o.parallel):
            found = again(sides, seed)
            if not found:
                continue
            plan, (a, b) = found
            what = "%s%s %s" % (plan.mode, " serial" if plan.serial else "",
                                [r[:2] for r in plan.requests])
            for part in a:
                if a[part] != b[part]:
                    report(seed, CONF, what, part, a[part], b[part])
        for part in ("alarms", "bad"):
            texts = [("\n".join(s.server.alarms() if part == "alarms"
                                else s.seen.get("bad", []))) for s in sides]
            if texts[1]:
                report(0, CONF, "of the whole run", part, *texts)
    finally:
        for side in sides:
            side.stop()
