#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Filters that change text: sub_filter with ten texts in a page of 100 kB, of
which one is there 400 times, or none; a page of 10 kB with ten SSI includes of
small files; text of 100 kB from and to UTF-8.  Beside Debian's nginx:

    python3 t/bench/filters.py [--binary B] [--seconds S] [--rounds N]
                               [--points sub,ssi]

Printed are microseconds of the worker's CPU time per request, and nginx's
divided by weir's.  The servers take turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import urllib.request

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

SIZE = 100 * 1024
POINTS = ("plain", "sub", "sub-none", "ssi", "to-utf8", "from-utf8")
TEXTS = ("old.example.com", "</head>", "</body>", "http://internal:",
         "cdn.example.net", "/wp-content/", 'src="/static', "@@TOKEN@@",
         "__VERSION__", "charset=koi8")
CONF = os.path.abspath(os.path.join(HERE, "../../conf"))


def configuration():
    subs = "".join("sub_filter '%s' '<new %d>'; " % (text, i)
                   for i, text in enumerate(TEXTS))
    none = subs.replace("old.example", "other.example")
    places = "".join(
        "location /%s/ { alias %%(files)s/; %s }\n" % pair for pair in (
            ("plain", ""),
            ("sub", "sub_filter_once off; " + subs),
            ("sub-none", "sub_filter_once off; " + none),
            ("ssi", "ssi on;"),
            ("to-utf8", "charset utf-8; source_charset koi8-r;"),
            ("from-utf8", "charset koi8-r; source_charset utf-8;")))
    text = servers.NGINX.replace("types { text/plain txt; }",
                                 "types { text/html html; } include %s/koi-utf;"
                                 % CONF)
    return text.replace("location /p/", places + "location /p/", 1)


def write_pages(files):
    def write(name, data):
        with open(os.path.join(files, name), "wb") as f:
            f.write(data)

    line = (b'<p class="x">some words of a text, and then others</p> '
            b'<a href="http://old.example.com/x">a link to them</a> ')
    words = "слово за слово, and some letters more ".encode("koi8-r")
    page = (b"<p>" + b"some text here " * 60 + b"</p>\n"
            + b'<!--#include virtual="/plain/part-%d.html" -->\n')
    write("sub.html", (line * (SIZE // len(line) * 2))[:SIZE])
    write("koi.html", (words * (SIZE // len(words) + 1))[:SIZE])
    write("utf.html", (words.decode("koi8-r") * (SIZE // len(words) + 1))
          .encode()[:SIZE - SIZE % 2])
    write("ssi.html", b"".join(page % i for i in range(10)))
    for i in range(10):
        write("part-%d.html" % i, b"<div>part %d of the page</div>\n" % i)


PAGES = {"plain": "sub.html", "sub": "sub.html", "sub-none": "sub.html",
         "ssi": "ssi.html", "to-utf8": "koi.html", "from-utf8": "utf.html"}


def ask(port, path):
    with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path)) as r:
        return r.read()


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", default=os.path.join(HERE, "../../build/weir"))
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--points", default=",".join(POINTS))
    return p.parse_args()


def main():
    o = options()
    points = o.points.split(",")
    cores = sorted(os.sched_getaffinity(0))
    kinds = [servers.nginx_like("weir", os.path.abspath(o.binary),
                                text=configuration()),
             servers.nginx_like("nginx", "/usr/sbin/nginx",
                                text=configuration())]
    cpu, body = {}, {}
    with tempfile.TemporaryDirectory(prefix="bench-") as top:
        os.chmod(top, 0o755)
        files = os.path.join(top, "files")
        os.mkdir(files)
        write_pages(files)
        time.sleep(2)  # what is quite new is not kept in memory
        for turn in range(o.rounds * len(points)):
            name = points[turn % len(points)]
            path = "/%s/%s" % (name, PAGES[name])
            for kind in kinds:
                with servers.Server(kind, top, files, 9, cores[-1]) as s:
                    body[name, kind.name] = ask(s.port, path)
                    r = measure.load(s, path, o.seconds, cores[0], 32)
                cpu.setdefault((name, kind.name), []).append(r["cpu"])
            if body[name, "weir"] != body[name, "nginx"]:
                raise SystemExit("%s: the bodies differ" % name)
    line = "%-12s %9s %9s %6s %8s"
    print(line % ("point", "weir us", "nginx us", "ratio", "bytes"))
    for name in points:
        weir, nginx = (statistics.median(cpu[name, kind.name]) * 1000
                       for kind in kinds)
        print(line % (name, "%.1f" % weir, "%.1f" % nginx,
                      "%.2f" % (nginx / weir), len(body[name, "weir"])))


if __name__ == "__main__":
    main()
