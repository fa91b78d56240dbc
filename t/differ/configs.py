# SPDX-License-Identifier: BSD-2-Clause
"""Random configurations: locations with random directives, 40 random requests
each, the same for both servers.  Compared are the responses, what the backend
was asked (subrequests, mirrors and post_action with it), and the log.
"""

import os
import random
import re
import signal
import threading

from servers import ADDRESSES, Backend, Server, free_ports, plain
from wire import connect, request_sorted, response_sorted, unzip

REQUESTS = 40
BACK = "http://%HOST%:%B%"
STATUSES = [200, 201, 204, 301, 302, 304, 400, 401, 403, 404, 405, 429, 500,
            502, 503, 504]

TOP = """
# Whether $args is empty or not there is left to chance by a redirect of nginx
map $args $arguments { default $args; }
# How many bytes a gzip takes is up to zlib
map $sent_http_content_encoding $bytes { gzip gz; default $body_bytes_sent; }
log_format t '$http_x_req|$status|$request_method|$uri|$arguments|'
    '$upstream_addr|$upstream_status|$bytes|$request_completion';
access_log %DIR%/access.log t;
proxy_http_version 1.1;
upstream up { server %HOST%:%B%; keepalive 2; }
upstream dead { server %HOST%:%D% max_fails=0; }
upstream mix {
    server %HOST%:%D% max_fails=0; server %HOST%:%B% max_fails=0;
}
map $arg_m $bk { default up; d dead; x %HOST%:%B%; }
server {
    listen %HOST%:%P%;
    set $v init;
    proxy_read_timeout 700ms;
"""

INNER = """
    location /int/ {
        internal; return 200 "int $uri $args $request_method $status";
    }
    location = /int/au {
        internal; proxy_pass http://up/au$arg_au;
        proxy_pass_request_body off; proxy_set_header Content-Length "";
    }
    location = /int/m { internal; proxy_pass http://up/mirror; }
    location = /int/pa { proxy_pass http://up/pa; }
    location = /int/5 { return 200 "five $status"; }
"""

OF_SERVERS = [
    "error_page 404 /int/srv;", "add_header X-S s;",
    "proxy_set_header X-S s;", "rewrite ^/sr/(.*)$ /l1/$1;",
    "proxy_intercept_errors on;", "if ($arg_s) { return 410; }",
    "set $v srv;", "proxy_redirect / /P/;", "recursive_error_pages on;",
]

PASSES = [BACK, "http://up", "http://up$request_uri",
          BACK + "$uri$is_args$args", "http://$bk", "http://dead",
          "http://mix"]
PASSES_WITH_URI = [BACK + "/", BACK + "/base/", "http://up/b",
                   BACK + "/x?fixed=1"]
PASSES_OF_REGEX = ["http://up/$1", "http://up/$1?q=$arg_a"]

RETURNS = ['200 "r $uri $args $request_method"', "404",
           "301 /moved$request_uri", "302 http://o/$uri", "403 no", "204",
           "500", "307 $scheme://$host/x"]

# Each entry is one directive, or several ways to write it
EXTRAS = [
    ["error_page 404 %s;" % x for x in (
        "/int/a", "@n1", "@n2", "=200 /int/b", "= /l1/x", "=302 /e",
        "http://o/", "=204 /int/a")],
    ["error_page 500 502 503 504 %s;" % x for x in (
        "/int/5", "@n1", "=200 /int/5", "= @n2")],
    ["error_page 403 401 %s;" % x for x in ("/int/a", "@n2", "=200 /int/b")],
    "error_page 405 =200 $uri;", "error_page 413 /int/a;",
    "proxy_intercept_errors on;", "recursive_error_pages on;",
    ["rewrite ^/(\\w+)/(.*)$ %s;" % x for x in (
        "/l2/$2 last", "/r/$2 break", "/l3/$2?k=v last", "/q/$1?",
        "/l1/$2 redirect", "/p/$2/$1")],
    "rewrite ^/l\\d/st404$ /nope break;", "set $v $uri;",
    ["if ($arg_i) { %s }" % x for x in (
        "return 418;", "set $v i;", "add_header X-If 1;",
        "rewrite ^ /l3/if last;", "proxy_pass http://up;", "return 302 /if;")],
    'add_header X-A "$v|$uri|$upstream_status" always;', "add_header X-B b;",
    "add_header X-A2 2; expires -1;", "expires 1h;", "etag off;",
    'proxy_set_header X-H "$v-$host";', "proxy_set_header Host $host;",
    "proxy_redirect " + BACK + "/ /rd/;", "proxy_cookie_path /app /ck;",
    "auth_request /int/au;", "auth_request_set $v $upstream_status;",
    "mirror /int/m;", "post_action /int/pa;", "log_subrequest on;",
    "limit_except GET { deny all; }", "internal;", "satisfy any;",
    "deny all;", "allow all;", "proxy_method PUT;",
    'proxy_pass_request_body off; proxy_set_header Content-Length "";',
    "proxy_pass_request_headers off;",
    "proxy_hide_header X-One;", "proxy_ignore_headers X-Accel-Redirect;",
    "proxy_next_upstream http_500 http_404 error;", "proxy_buffering off;",
    "proxy_request_buffering off;", "proxy_http_version 1.0;",
    "proxy_force_ranges on;", "proxy_store off;", "proxy_limit_rate 1m;",
    "gzip on; gzip_min_length 1; gzip_types *;", "default_type text/x;",
    "client_max_body_size 10;", "chunked_transfer_encoding off;",
    "index a.html;", "autoindex on;", "absolute_redirect off;",
    "port_in_redirect off;", "max_ranges 1;", "if_modified_since before;",
    "server_tokens off;", "keepalive_timeout 0;", "open_file_cache off;",
    "lingering_close always;", "tcp_nodelay off;", "limit_rate 1m;",
]

# What sends requests elsewhere, stops them, or has more requests run
FLOW = [x for x in EXTRAS if re.match(
    r"error_page|proxy_intercept|recursive|rewrite|if |auth_request|mirror|"
    r"post_action|log_subrequest|limit_except|internal|satisfy|deny|allow|"
    r"proxy_ignore|proxy_request_buffering|client_max|set \$v|add_header X-A ",
    x if isinstance(x, str) else x[0])]
POOLS = {"all": EXTRAS, "flow": FLOW}

FOLDERS = ["l1", "l2", "l3", "s", "rx", "c"]
TARGETS = ["/l1/", "/l2/", "/l2", "/l3/", "/rx/", "/ex", "/c/", "/sr/",
           "/other", "/l1", "/l3"]
TAILS = ["", "a", "st404", "st500", "st%d", "acc1", "acc2", "cook", "hd", "s/",
         "s", "a%20b", "a%2fb", "../l1/x", "chk", "ctj", "hdcookctj",
         "a.html", "s/a.html", "st401", "st403", "acc1st404"]
ARGUMENTS = ["", "", "", "?a=1", "?i=1", "?m=d", "?m=x", "?s=1", "?au=st401",
             "?au=st403", "?au=st500", "?x=%20&y"]
METHODS = ["GET"] * 6 + ["POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"]

# Not compared: what a clock says
FREE_FIELDS = (b"date", b"server", b"expires")


def handler(rng, name):
    with_uri = name[0] not in "@~"
    passes = list(PASSES)
    if with_uri:
        passes += PASSES_WITH_URI
    if name[0] == "~":
        passes += PASSES_OF_REGEX
    alias = with_uri and name.endswith("/")
    return rng.choice(
        ["proxy_pass %s;" % rng.choice(passes)] * 6
        + ["return %s;" % rng.choice(RETURNS)] * 2
        + ["root %DIR%/html;",
           "alias %DIR%/html/s/;" if alias else "root %DIR%/html;",
           "try_files $uri $uri/ %s;" % rng.choice(
               ["@n1", "@n2", "/int/a", "=404", "/l1/fb"])])


def location(rng, name, pool):
    extras = [x if isinstance(x, str) else rng.choice(x)
              for x in rng.sample(pool, rng.choice([0, 1, 2, 3, 4, 5]))]
    if name[0] == "@":
        extras = [x for x in extras if not x.startswith("limit_except")]
    return "    location %s {\n        %s\n    }\n" % (
        name, "\n        ".join(extras + [handler(rng, name)]))


def configuration(rng, pool):
    locations = [location(rng, name, pool) for name in (
        "/l1/", "/l2", "/l3/", "~ ^/rx/(.*)$", "@n1", "@n2", "= /ex",
        "^~ /c/", "/")]
    rng.shuffle(locations)
    of_server = rng.sample(OF_SERVERS, rng.choice([0, 1, 2]))
    return (TOP + "".join("    %s\n" % x for x in of_server) + INNER
            + "".join(locations) + "}")


def request(rng, number):
    """(method, bytes); X-Req says in the backend's and the server's logs which
    request it was."""
    tail = rng.choice(TAILS).replace("%d", str(rng.choice(STATUSES)))
    target = rng.choice(TARGETS) + tail + rng.choice(ARGUMENTS)
    method = rng.choice(METHODS)
    version = rng.choice(["1.1"] * 9 + ["1.0"])
    head = "%s %s HTTP/%s\r\nHost: ho.test\r\nX-Req: %d\r\n" % (
        method, target, version, number)
    body = b""
    if method in ("POST", "PUT"):
        body = b"x" * rng.choice([0, 3, 30])
        head += "Content-Length: %d\r\n" % len(body)
    if rng.random() < .1:
        head += "Range: bytes=0-2\r\n"
    if rng.random() < .1:
        head += "Accept-Encoding: gzip\r\n"
    return method, (head + "Connection: close\r\n\r\n").encode() + body


def respond(head, address):
    """What the backend answers: the URI says what it should be."""
    method, uri = (x.decode("latin-1") for x in head.split()[:2])
    m = re.search(r"st(\d+)", uri)
    status = int(m.group(1)) if m else 200
    fields = []
    if "noct" not in uri:
        fields.append("Content-Type: " + ("application/json" if "ctj" in uri
                                          else "text/plain"))
    if "acc1" in uri:
        fields.append("X-Accel-Redirect: /int/a?z=1")
    if "acc2" in uri:
        fields.append("X-Accel-Redirect: @n1")
    if "cook" in uri:
        fields.append("Set-Cookie: a=b; Path=/app")
    if status in (301, 302):
        fields.append("Location: http://%s:%d/to" % address)
    if status == 401:
        fields.append('WWW-Authenticate: Basic realm="r"')
    if "hd" in uri:
        fields += ["X-One: 1", "Cache-Control: max-age=5", "Expires: x"]
    text = "B:%s %s" % (method, uri)
    if status not in (204, 304):
        if "chk" in uri and method != "HEAD":
            fields.append("Transfer-Encoding: chunked")
            text = "%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
        else:
            fields.append("Content-Length: %d" % len(text))
    if status in (204, 304) or method == "HEAD":
        text = ""
    return "\r\n".join(["HTTP/1.1 %d X" % status] + fields
                       + ["", text]).encode("latin-1")


class Side:
    """One server with its backend."""

    def __init__(self, binary, folder, ports, old):
        self.binary, self.folder, self.ports = binary, folder, ports
        self.old = old
        self.asked = []
        self.address = (ADDRESSES[binary.name], ports["B"])
        self.backend = Backend(self.address, self.serve)

    def serve(self, wire):
        while True:
            head = wire.head(20)
            if not head.endswith(b"\r\n\r\n"):
                return
            body, end = wire.body(head, 5)
            m = re.search(rb"\r\nX-Req: (\d+)", head)
            self.asked.append((m.group(1).decode() if m else "-",
                               request_sorted(plain(self.binary.name, head)),
                               len(body), end))
            wire.send(respond(head, self.address))

    def run(self, conf, requests):
        """Asks all; {number: {part: what was seen}}, or what refused it."""
        for name, port in self.ports.items():
            conf = conf.replace("%%%s%%" % name, str(port))
        server = Server(self.binary, self.folder, conf, self.ports["P"],
                        self.old)
        make_files(server.folder + "/html")
        self.asked = []
        refused = server.start()
        if refused:
            return refused
        try:
            seen = {str(n): self.ask(server, *request)
                    for n, request in enumerate(requests)}
        finally:
            # Mirrors and post_action end before the server does
            server.stop(signal.SIGQUIT)
        seen["-"] = {}
        for lines, part in ((self.asked, "asked"),
                            (self.log(server), "log")):
            for line in lines:
                seen[line[0]].setdefault(part, []).append(str(line[1:]))
        for parts in seen.values():
            for part in ("asked", "log"):
                parts[part] = "\n".join(sorted(parts.get(part, [])))
        seen["-"]["alarms"] = plain(
            self.binary.name, "\n".join(server.alarms()).encode()).decode()
        return seen

    def ask(self, server, method, data):
        try:
            wire = connect(server.address)
            wire.send(data)
            head, body, end = wire.response(method == "HEAD", 5)
            wire.close()
        except OSError as e:
            return {"head": "", "body": "", "end": type(e).__name__}
        head, body = unzip(head, body)
        return {"head": response_sorted(plain(self.binary.name, head),
                                        FREE_FIELDS),
                "body": plain(self.binary.name, body).decode("latin-1"),
                "end": end}

    def log(self, server):
        text = plain(self.binary.name, server.read("access.log").encode())
        return [line.split("|", 1) for line in text.decode().splitlines()]


def make_files(html):
    for folder in FOLDERS:
        os.makedirs("%s/%s/s" % (html, folder))
        for name, text in (("a", "file " + folder),
                           ("a.html", "html " + folder), ("s/a.html", "sub")):
            path = "%s/%s/%s" % (html, folder, name)
            with open(path, "w") as f:
                f.write(text)
            os.utime(path, (1700000000, 1700000000))


def both(sides, conf, requests):
    """What both saw, asked at the same time."""
    seen = [None, None]

    def run(i):
        seen[i] = sides[i].run(conf, requests)

    threads = [threading.Thread(target=run, args=(i,)) for i in (0, 1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if None in seen:
        raise RuntimeError("a side failed: see above")
    return seen


def compare(sides, seed, pool, report):
    rng = random.Random(seed)
    conf = configuration(rng, pool)
    requests = [request(rng, n) for n in range(REQUESTS)]
    a, b = both(sides, conf, requests)
    if isinstance(a, str) or isinstance(b, str):
        if a != b:
            report(seed, conf, "", "start",
                   *(x if isinstance(x, str) else "started" for x in (a, b)))
        return
    for number in a:
        line = ""
        if number != "-":
            head = requests[int(number)][1].split(b"\r\n\r\n")[0]
            line = head.decode("latin-1")
        for part in a[number]:
            if a[number][part] != b[number][part]:
                report(seed, conf, line, part, a[number][part],
                       b[number][part])


def run(binaries, folder, seeds, report, old, o):
    ports = dict(zip("PBD", free_ports(3)))
    sides = [Side(x, folder, ports, old) for x in binaries]
    try:
        for seed in seeds:
            compare(sides, seed, POOLS[o.pool], report)
    finally:
        for side in sides:
            side.backend.close()
