#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a cached response costs, in weir (from memory and without), nginx, varnish,
apache and h2o: see README.md here.

    t/bench/cache.py [--seconds 2] [--rounds 3] [--only weir,nginx]
                     [--points hit-1k,hit-100k,miss-1k] [--here]

The binary is $TEST_BINARY, or build/weir.  Processor time is that of all of a
server's processes.  h2o caches nothing: its files are what is measured.

Files are on an ext4 of their own, with a journal (root, mkfs.ext4); with --here
in a temporary folder.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

NGINX = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    sendfile on;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    proxy_cache_path %(dir)s/c levels=1:2 keys_zone=one:64m max_size=256m
        use_temp_path=off %(extra)s;
    proxy_cache one;
    proxy_cache_valid 1h;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    upstream u { server 127.0.0.1:%(backend)d; keepalive 64; }
    server { listen 127.0.0.1:%(port)d; location / { proxy_pass http://u; } }
}
"""
BACKEND = """
daemon off;
master_process off;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path %(dir)s/t1;
    server {
        listen 127.0.0.1:%(port)d;
        root %(files)s;
        add_header Cache-Control max-age=3600;
        location /miss/ { rewrite ^ /1k break; }
    }
}
"""
VARNISH = """vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "%(backend)d"; }
"""
APACHE = """
ServerName a
ServerRoot %(dir)s
DefaultRuntimeDir %(dir)s
PidFile %(dir)s/pid
ErrorLog %(dir)s/error.log
Listen 127.0.0.1:%(port)d
%(extra)s
User www-data
Group www-data
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
MaxKeepAliveRequests 0
CacheRoot %(dir)s/c
CacheEnable disk /
CacheLock on
ProxyPass / http://127.0.0.1:%(backend)d/
"""
MODULES = "/usr/lib/apache2/modules/mod_%s.so"
APACHE_MODULES = "\n".join(
    "LoadModule %s_module " % m + MODULES % m for m in (
        "mpm_event", "authz_core", "cache", "cache_disk", "proxy",
        "proxy_http"))
H2O = """
%(user)s
listen: { host: 127.0.0.1, port: %(port)d }
num-threads: 1
hosts:
  default:
    paths:
      "/miss": { proxy.reverse.url: "http://127.0.0.1:%(backend)d/miss" }
      "/": { file.dir: %(files)s }
"""
POINTS = {"hit-1k": "/1k", "hit-100k": "/100k", "miss-1k": "/miss/"}
MISS = """
local n = %d
request = function() n = n + 1 return wrk.format("GET", "/miss/" .. n) end
"""


def kinds(weir):
    def like(name, program, extra=""):
        return servers.Kind(name, NGINX, [program, "-p", "%(dir)s", "-c",
                                          "%(conf)s"], "user root;", extra)
    return [
        like("weir", weir), like("weir-disk", weir, "memory=0"),
        like("nginx", "/usr/sbin/nginx"),
        servers.Kind("varnish", VARNISH, [
            "varnishd", "-F", "-n", "%(dir)s/v", "-f", "%(conf)s",
            "-a", "127.0.0.1:%(port)d", "-s", "malloc,256m",
            "-j", "none", "-p", "thread_pools=1"]),
        servers.Kind("apache", APACHE, ["apache2", "-DFOREGROUND", "-f",
                                        "%(conf)s"], extra=APACHE_MODULES),
        servers.Kind("h2o", H2O, ["h2o", "-m", "worker", "-c", "%(conf)s"],
                     "user: root"),
    ]


def family(pid):
    out = [pid]
    for child in servers.children(pid):
        out += family(child)
    return out


def cpu_seconds(pids):
    """Of those of them that are still there."""
    total = 0
    for pid in pids:
        try:
            total += measure.cpu_seconds(pid)
        except OSError:
            pass
    return total


def one(server, point, o, folder, turn):
    """Microseconds of processor a request; the number of errors."""
    script = None
    if point == "miss-1k":
        script = os.path.join(folder, "miss.lua")
        with open(script, "w") as f:
            f.write(MISS % (turn * 100000000))
    url = "http://127.0.0.1:%d%s" % (server.port, POINTS[point])
    pids = family(server.process.pid)
    before = cpu_seconds(pids)
    run = measure.Load(url, o.seconds, o.wrk_core, 32, (), script)
    used = cpu_seconds(pids) - before
    return used / max(run.requests, 1) * 1e6, run.errors


@contextlib.contextmanager
def filesystem(top):
    """An ext4 of its own: one without a journal looks at each inode that was
    deleted within the last minutes whenever a file is made, so that whoever
    comes behind much deleting is measured for it."""
    image, place = os.path.join(top, "image"), os.path.join(top, "fs")
    os.mkdir(place)
    with open(image, "wb") as f:
        f.truncate(3 << 30)
    subprocess.check_call(["mkfs.ext4", "-q", "-F", image])
    subprocess.check_call(["mount", "-o", "loop", image, place])
    try:
        yield place
    finally:
        subprocess.check_call(["umount", place])


@contextlib.contextmanager
def folder(is_here):
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        if is_here or os.getuid() != 0 or not shutil.which("mkfs.ext4"):
            print("in %s, whatever that is" % top)
            yield top
            return
        with filesystem(top) as place:
            yield place


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--seconds", type=int, default=2)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--only", default="weir,weir-disk,nginx,varnish,apache,h2o")
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--here", action="store_true")
    o = p.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    core, o.wrk_core = (cores[-1], cores[0]) if len(cores) > 1 else (None, None)
    weir = os.path.abspath(os.environ.get("TEST_BINARY")
                           or os.path.join(HERE, "../../build/weir"))
    with folder(o.here) as top:
        files = os.path.join(top, "files")
        os.mkdir(files)
        for name, size in (("1k", 1024), ("100k", 102400)):
            with open(os.path.join(files, name), "wb") as f:
                f.write(os.urandom(size))
        backend = servers.Server(
            servers.Kind("backend", BACKEND, ["/usr/sbin/nginx", "-p",
                                              "%(dir)s", "-c", "%(conf)s"]),
            top, files, 0, o.wrk_core)
        running = []
        for kind in kinds(weir):
            if kind.name in o.only.split(",") and kind.program():
                s = servers.Server(kind, top, files, backend.port, core)
                cache = os.path.join(s.dir, "c")
                if kind.name == "apache" and os.getuid() == 0:
                    os.mkdir(cache)
                    shutil.chown(cache, "www-data")
                running.append(s)
        time.sleep(2)  # loaders have ended
        for point in o.points.split(","):
            found = {s.kind.name: [] for s in running}
            for turn in range(o.rounds + 1):  # the first one fills
                for s in running:
                    us, errors = one(s, point, o, top, turn)
                    if turn:
                        found[s.kind.name].append(us)
                    if errors:
                        print("%s: %d errors" % (s.kind.name, errors))
            nginx = found.get("nginx")
            for name, all_us in found.items():
                us = statistics.median(all_us)
                line = "%-9s %-10s %8.2f us" % (point, name, us)
                if nginx and name != "nginx":
                    line += ", nginx / this %.2f" % (
                        statistics.median(nginx) / us)
                print(line, flush=True)
        for s in running + [backend]:
            s.stop()


main()
