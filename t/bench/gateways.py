#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a request to a backend costs a worker, in weir and nginx, by FastCGI,
uwsgi, SCGI and memcached, and an upload by HTTP: see README.md here.

    t/bench/gateways.py [--seconds 1] [--rounds 7] [--points uwsgi,memcached]
"""

import argparse
import contextlib
import glob
import os
import shutil
import socket
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
CONF = os.path.join(HERE, "../../conf")
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

# Enough for the connections that both servers keep.
PHP = """
[global]
error_log = %(dir)s/error.log
daemonize = no
[tcp]
%(user)s
listen = 127.0.0.1:%(port)d
pm = static
pm.max_children = 8
[unix]
%(user)s
listen = %(dir)s/socket
listen.mode = 0666
pm = static
pm.max_children = 24
"""

WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"),
                              ("Content-Length", "1024")])
    return [b"x" * 1024]
"""

# Reads the whole body, and answers then: "return" alone would not wait.
SINK = """
    location = /sink {
        client_max_body_size 2m;
        client_body_buffer_size 2m;
        proxy_pass http://127.0.0.1:%(port)d/done;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
    }
    location = /done { return 200 done; }
"""

FASTCGI = """include {conf}/fastcgi_params;
    fastcgi_param SCRIPT_FILENAME $document_root/1k.php; fastcgi_pass """
HTTP11 = 'proxy_http_version 1.1; proxy_set_header Connection "";'

# name: what the location has, how many clients
POINTS = {
    "fastcgi-tcp": (FASTCGI + "127.0.0.1:{php}", 8),
    "fastcgi-unix": (FASTCGI + "unix:{php_dir}/socket", 8),
    "fastcgi-keep": (FASTCGI + "php; fastcgi_keep_conn on", 8),
    "uwsgi": ("include {conf}/uwsgi_params; uwsgi_pass 127.0.0.1:{wsgi}", 8),
    "scgi": ("include {conf}/scgi_params; scgi_pass unix:{wsgi_dir}/scgi", 8),
    "memcached": ("set $memcached_key 1k; memcached_pass cache", 64),
    "upload": (HTTP11 + "proxy_pass http://backend/sink", 8),
    "upload-memory": (HTTP11 + "client_body_buffer_size 2m; "
                      "proxy_pass http://backend/sink", 8),
    "upload-streamed": (HTTP11 + "proxy_request_buffering off; "
                        "proxy_pass http://backend/sink", 8),
}

UPSTREAMS = """
    client_max_body_size 2m;
    keepalive_requests 100000000;
    upstream php {{ server unix:{php_dir}/socket; keepalive 8; }}
    upstream cache {{ server 127.0.0.1:{cache}; keepalive 64; }}
"""


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=int, default=1, help="of each point")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--nginx", default="/usr/sbin/nginx")
    o = p.parse_args()
    o.weir = os.path.abspath(os.environ.get("TEST_BINARY")
                             or os.path.join(HERE, "../../build/weir"))
    cores = sorted(os.sched_getaffinity(0))
    o.core, o.wrk_core = (cores[-1], cores[0]) if len(cores) > 1 else (None,
                                                                      None)
    return o


def backends():
    """What answers; None where it is not installed."""
    root = os.getuid() == 0
    found = {
        "php": servers.Kind(
            "php", PHP, [(glob.glob("/usr/sbin/php-fpm*") or ["php-fpm"])[0],
                         "-F", "-y", "%(conf)s"],
            "user = nobody\ngroup = nogroup"),
        "wsgi": servers.Kind(
            "wsgi", WSGI, ["uwsgi", "--plugin", "python3", "--master",
                           "--processes", "2", "--need-app", "--die-on-term",
                           "--disable-logging",
                           "--socket", "127.0.0.1:%(port)d",
                           "--scgi-socket", "%(dir)s/scgi",
                           "--chmod-socket=666",
                           "--wsgi-file", "%(conf)s"]),
        "cache": servers.Kind(
            "cache", "", ["memcached", "-l", "127.0.0.1", "-U", "0",
                          "-p", "%(port)d"] + (["-u", "root"] if root else [])),
        "sink": servers.nginx_like("sink", "/usr/sbin/nginx",
                                   text=servers.BACKEND.replace(
                                       "root %(files)s;", SINK)),
    }
    return {name: kind if shutil.which(kind.command[0]) else None
            for name, kind in found.items()}


def put(port):
    """The value that memcached has."""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(b"set 1k 0 0 1024\r\n%s\r\n" % (b"x" * 1024))
        if s.recv(100) != b"STORED\r\n":
            raise SystemExit("memcached does not store")


def configuration(words):
    locations = "".join("location = /%s { %s; }\n"
                        % (name, text.format_map(words))
                        for name, (text, _) in POINTS.items())
    return (servers.NGINX.replace("%(extra)s", UPSTREAMS.format_map(words))
            .replace("location /p/", locations + "location /p/"))


def write_files(top):
    files = os.path.join(top, "files")
    os.makedirs(files)
    with open(os.path.join(files, "1k.php"), "w") as f:
        f.write("<?php header('Content-Type: text/plain'); "
                "echo str_repeat('x', 1024);")
    with open(os.path.join(top, "upload.lua"), "w") as f:
        f.write("wrk.method = 'POST'\n"
                "wrk.body = string.rep('x', 1024 * 1024)\n")
    return files


def run_points(o, top, both):
    for point in o.points.split(","):
        path, connections = "/" + point, POINTS[point][1]
        script = (os.path.join(top, "upload.lua")
                  if point.startswith("upload") else None)

        def call(how, s, seconds):
            return how(s, path, seconds, o.wrk_core, connections,
                       script=script)

        measure.compare(point, both, o.rounds,
                        lambda s: call(measure.load, s, o.seconds),
                        lambda s: call(measure.calls, s, 1))


def main():
    o = options()
    measure.raise_files(4000)
    with contextlib.ExitStack() as stack:
        top = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(top, 0o755)
        files = write_files(top)
        words = {"conf": CONF}
        for name, kind in backends().items():
            if not kind:
                raise SystemExit("no %s: sh auto/deps bench" % name)
            s = stack.enter_context(servers.Server(kind, top, files, 0,
                                                   o.wrk_core))
            words[name], words[name + "_dir"] = s.port, s.dir
        put(words["cache"])
        both = [stack.enter_context(servers.Server(
            servers.nginx_like(name, program, text=configuration(words)), top,
            files, words["sink"], o.core))
            for name, program in (("weir", o.weir), ("nginx", o.nginx))]
        run_points(o, top, both)


if __name__ == "__main__":
    main()
