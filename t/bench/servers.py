# SPDX-License-Identifier: BSD-2-Clause
"""The servers that are compared: their configurations, equivalent as far as
they can be, and starting and stopping them.

Each runs in the foreground with one worker (one thread) on the core that is
given to it.  Nothing is logged per request; everything else is each server's
default, but for what is written here.
"""

import os
import shutil
import socket
import subprocess
import time

import language

CONNECTIONS = 12000  # what a worker must be able to hold

NGINX = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections %(connections)d; }
http {
    types { text/plain txt; }
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    keepalive_timeout 300s;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    proxy_cache_path %(dir)s/c levels=1:2 keys_zone=c:10m inactive=1d;
    %(extra)s
    upstream backend {
        server 127.0.0.1:%(backend)d;
        keepalive 32;
    }
    server {
        listen 127.0.0.1:%(port)d;
        root %(files)s;
        location /p/ {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
        location /c/ {
            proxy_cache c;
            proxy_cache_valid 1d;
            proxy_pass http://backend/p/;
        }
    }
}
"""

HAPROXY = """
global
    nbthread 1
    no strict-limits
    maxconn %(connections)d
    %(user)s
defaults
    mode http
    timeout client 300s
    timeout server 300s
    timeout connect 5s
    timeout http-keep-alive 300s
    http-reuse always
frontend all
    bind 127.0.0.1:%(port)d
    default_backend one
backend one
    server one 127.0.0.1:%(backend)d
"""

H2O = """
%(user)s
num-threads: 1
max-connections: %(connections)d
http1-request-timeout: 300
error-log: %(dir)s/error.log
pid-file: %(dir)s/pid
listen:
  host: 127.0.0.1
  port: %(port)d
hosts:
  default:
    paths:
      /p:
        proxy.reverse.url: http://127.0.0.1:%(backend)d/p
      /:
        file.dir: %(files)s
"""

LIGHTTPD = """
server.modules = ( "mod_proxy" )
server.port = %(port)d
server.bind = "127.0.0.1"
server.document-root = "%(files)s"
server.errorlog = "%(dir)s/error.log"
server.max-connections = %(connections)d
server.max-fds = 20000
server.max-keep-alive-idle = 300
server.max-keep-alive-requests = 1000
server.upload-dirs = ( "%(dir)s" )
mimetype.assign = ( ".txt" => "text/plain", "" => "application/octet-stream" )
$HTTP["url"] =~ "^/p/" {
    proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => %(backend)d )) )
}
"""

BACKEND = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 2000; }
http {
    default_type text/plain;
    access_log off;
    sendfile on;
    open_file_cache max=100;
    keepalive_requests 100000000;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    server { listen 127.0.0.1:%(port)d; root %(files)s; }
}
"""


LANGUAGE = language.configuration()


class Kind:
    """One of the servers: how it is written, started, and called."""

    def __init__(self, name, text, command, user="", extra="", serves="sp"):
        self.name, self.text, self.command = name, text, command
        self.user, self.extra, self.serves = user, extra, serves

    def program(self):
        return shutil.which(self.command[0])

    def has_master(self):
        return "-p" in self.command  # as nginx is called

    def serves_point(self, name):
        of = {"proxy": "p", "cached": "c", "language": "l"}
        return of.get(name.split("-")[0], "s") in self.serves


def nginx_like(name, program, extra="", text=NGINX, serves="spc"):
    return Kind(name, text, [program, "-p", "%(dir)s", "-c", "%(conf)s"],
                "user root;", extra, serves)


def language_kinds(weir):
    """For the point of that name: nginx as it comes, without pcre_jit, and
    with it.  weir always compiles expressions."""
    nginx = "/usr/sbin/nginx"
    return [
        nginx_like("weir", weir, text=LANGUAGE, serves="l"),
        nginx_like("nginx", nginx, text=LANGUAGE, serves="l"),
        nginx_like("nginx+jit", nginx, "pcre_jit on;", LANGUAGE, "l"),
    ]


def all_kinds(weir):
    cached = "open_file_cache max=100;"
    return [
        nginx_like("weir", weir),
        nginx_like("nginx", "/usr/sbin/nginx"),
        nginx_like("nginx+cache", "/usr/sbin/nginx", cached),
        Kind("haproxy", HAPROXY, ["haproxy", "-db", "-f", "%(conf)s"],
             "user root", serves="p"),
        Kind("h2o", H2O, ["h2o", "-m", "worker", "-c", "%(conf)s"],
             "user: root"),
        Kind("lighttpd", LIGHTTPD, ["lighttpd", "-D", "-f", "%(conf)s"]),
    ] + language_kinds(weir)


def backend_kind():
    return Kind("backend", BACKEND,
                ["/usr/sbin/nginx", "-p", "%(dir)s", "-c", "%(conf)s"],
                "user root;")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


class Server:
    """A running one.  pid is the process that does the work."""

    def __init__(self, kind, top, files, backend, core,
                 connections=CONNECTIONS):
        self.kind = kind
        self.dir = os.path.join(top, "%s-%d" % (kind.name, time.time_ns()))
        self.port = free_port()
        os.makedirs(self.dir)
        conf = os.path.join(self.dir, "conf")
        words = {
            "dir": self.dir, "conf": conf, "files": files, "port": self.port,
            "backend": backend, "connections": connections,
            "user": kind.user if os.getuid() == 0 else "",
            "extra": kind.extra,
        }
        with open(conf, "w") as f:
            f.write(kind.text % words)
        command = [word % words for word in kind.command]
        self.log = open(os.path.join(self.dir, "stderr"), "w")
        self.process = subprocess.Popen(pinned(core) + command,
                                        stdout=self.log, stderr=self.log)
        self.wait_until_up()
        # h2o's child is a helper
        workers = children(self.process.pid) if kind.has_master() else []
        self.pid = workers[0] if workers else self.process.pid

    def wait_until_up(self):
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                time.sleep(0.1)
                return
            except OSError:
                time.sleep(0.05)
        with open(self.log.name) as f:
            raise SystemExit("%s does not start:\n%s"
                             % (self.kind.name, f.read()))

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def pinned(core):
    return [] if core is None else ["taskset", "-c", str(core)]
