#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compression of a text of 20 kB (the beginning of this tree's README.md):
files, which weir compresses once and nginx for each request; responses of a
backend; and files that were compressed before.  Beside Debian's nginx with its
brotli module:

    python3 t/bench/compress.py [--binary B] [--seconds S] [--rounds N]
                                [--points file-gzip-1,proxy-brotli-4]

Printed are microseconds of the worker's CPU time per request, nginx's divided
by weir's, and the bytes of the body.  The servers take turns.
"""

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

SIZE = 20 * 1024
MODULES = "/usr/lib/nginx/modules/ngx_http_brotli_%s_module.so"

LEVELS = [("gzip", "gzip", (1, 2, 3, 6, 9)), ("brotli", "br", (1, 4, 6)),
          ("zstd", "zstd", (1, 3))]

# name, path, what the client accepts
POINTS = [("file", "/page.html", "identity"),
          ("proxy", "/p/page.html", "identity")]
POINTS += [("%s-%s-%d" % (how, word, level),
            "/%s-%s-%d/page.html" % (how, word, level), coding)
           for how in ("file", "proxy")
           for word, coding, levels in LEVELS for level in levels]
POINTS += [("static-" + word, "/static/page.html", coding)
           for word, coding in (("gzip", "gzip"), ("brotli", "br"))]


def has(server, point):
    return server == "weir" or "zstd" not in point


def locations(server):
    """Those of the points, as far as the server has them."""
    text = ""
    for point, path, _ in POINTS:
        if point.count("-") != 2 or not has(server, point):
            continue
        how, word, level = point.split("-")
        text += ("location /%s/ { %s on; %s_comp_level %s; %s_types *; %s; "
                 "proxy_http_version 1.1; proxy_set_header Connection ''; }\n"
                 % (point, word, word, level, word,
                    "alias %(files)s/" if how == "file"
                    else "proxy_pass http://backend/p/"))
    return text + ("location /static/ { gzip_static on; brotli_static on; "
                   "alias %(files)s/; }\n")


def configuration(name):
    modules = ""
    if name == "nginx":
        modules = "".join("load_module %s;\n" % (MODULES % m)
                          for m in ("filter", "static"))
    text = servers.NGINX.replace("types { text/plain txt; }",
                                 "types { text/html html; }")
    return modules + text.replace("location /p/", locations(name)
                                  + "location /p/", 1)


def write_page(files):
    path = os.path.join(files, "page.html")
    os.mkdir(os.path.join(files, "p"))
    os.symlink(path, os.path.join(files, "p/page.html"))
    with open(os.path.join(HERE, "../../README.md"), "rb") as f:
        text = f.read(SIZE)
    with open(path, "wb") as f:
        f.write(text)
    with open(path + ".gz", "wb") as f:
        f.write(gzip.compress(text, 9))
    subprocess.run(["brotli", "-kf", path], check=True)


def ask(port, path, coding):
    """The size of the body."""
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path),
                                     headers={"Accept-Encoding": coding})
    with urllib.request.urlopen(request) as r:
        if r.headers.get("Content-Encoding", "identity") != coding:
            raise SystemExit("%s: no %s" % (path, coding))
        return len(r.read())


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", default=os.path.join(HERE, "../../build/weir"))
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--points", default="")
    return p.parse_args()


def main():
    o = options()
    points = [x for x in POINTS
              if not o.points or x[0] in o.points.split(",")]
    cores = sorted(os.sched_getaffinity(0))
    kinds = [servers.nginx_like("weir", os.path.abspath(o.binary),
                                text=configuration("weir")),
             servers.nginx_like("nginx", "/usr/sbin/nginx",
                                text=configuration("nginx"))]
    cpu, size = {}, {}
    with tempfile.TemporaryDirectory(prefix="bench-") as top:
        os.chmod(top, 0o755)
        files = os.path.join(top, "files")
        os.mkdir(files)
        write_page(files)
        time.sleep(2)  # what is quite new is not kept in memory
        with servers.Server(servers.backend_kind(), top, files, 0,
                            cores[0]) as backend:
            for turn in range(o.rounds * len(points)):
                name, path, coding = points[turn % len(points)]
                for kind in kinds:
                    if not has(kind.name, name):
                        continue
                    with servers.Server(kind, top, files, backend.port,
                                        cores[-1]) as s:
                        size[name, kind.name] = ask(s.port, path, coding)
                        r = measure.load(s, path, o.seconds, cores[0], 32,
                                         ["Accept-Encoding: " + coding])
                    cpu.setdefault((name, kind.name), []).append(r["cpu"])
    line = "%-16s %9s %9s %6s %8s %8s"
    print(line % ("point", "weir us", "nginx us", "ratio", "bytes", "nginx's"))
    for name, _, _ in points:
        us = {kind.name: statistics.median(cpu[name, kind.name]) * 1000
              for kind in kinds if has(kind.name, name)}
        words = ["%.1f" % us["weir"], "-", "-", size[name, "weir"], "-"]
        if "nginx" in us:
            words[1] = "%.1f" % us["nginx"]
            words[2] = "%.2f" % (us["nginx"] / us["weir"])
            words[4] = size[name, "nginx"]
        print(line % (name, *words))


if __name__ == "__main__":
    main()
