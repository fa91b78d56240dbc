#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What HTTP/2 costs a worker, in weir, nginx and h2o: see README.md here.

    python3 t/bench/h2.py [--only weir,nginx] [--points static-1k,upload-10m]
                          [--scale 1.0] [--rounds 3]

The binary is $TEST_BINARY, or build/weir.  h2load asks over TLS, on one
connection with 32 streams; what is proxied goes to an nginx by HTTP/1.1, and in
proxy2-1k by HTTP/2 where the server can.  An upload is answered when the nginx
behind has all of it.  The servers take turns, and the best of the rounds counts:
what else the machine does only adds to it.
"""

import argparse
import os
import re
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
master_process off;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 100000000;
    client_max_body_size 0;
    client_body_buffer_size 64k;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    open_file_cache max=100;
    upstream u { server 127.0.0.1:%(backend)d; keepalive 64; }
    upstream u2 { server 127.0.0.1:%(backend2)d; keepalive 64; }
    server {
        listen 127.0.0.1:%(port)d %(listen)s;
        %(on)s
        ssl_certificate %(dir)s/c.pem;
        ssl_certificate_key %(dir)s/k.pem;
        root %(dir)s/files;
        location /p/ {
            proxy_pass http://u/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }
        location /q/ {
            %(second)s
            proxy_set_header Connection "";
        }
    }
}
"""
H2O = """
listen:
  host: 127.0.0.1
  port: %(port)d
  ssl: { certificate-file: %(dir)s/c.pem, key-file: %(dir)s/k.pem }
num-threads: 1
limit-request-body: 1000000000
hosts:
  default:
    paths:
      "/p": { proxy.reverse.url: "http://127.0.0.1:%(backend)d/" }
      "/q": { proxy.reverse.url: "http://127.0.0.1:%(backend)d/" }
      "/": { file.dir: %(dir)s/files }
"""
BACKEND = NGINX.replace("ssl_certificate", "#").replace(
    "root", """
        listen 127.0.0.1:%(backend2)d http2;
        location = /sink {
            client_body_buffer_size 16m;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%(port)d/done;
        }
        location = /done { return 200 ok; }
        root""")
SECOND = {"weir": "proxy_http_version 2; proxy_pass http://u2/;",
          "nginx": "proxy_http_version 1.1; proxy_pass http://u/;"}

# name: path, requests, body
POINTS = {
    "static-1k": ("/1k", 200000, None), "static-100k": ("/100k", 10000, None),
    "static-1m": ("/1m", 1500, None), "proxy-1k": ("/p/1k", 60000, None),
    "proxy2-1k": ("/q/1k", 60000, None),
    "upload-10m": ("/p/sink", 60, "10m"),
}


def start(name, program, folder, port, backend, backend2):
    values = {"dir": folder, "port": port, "backend": backend,
              "backend2": backend2,
              "second": SECOND.get(name, SECOND["nginx"]),
              "user": "user root;" if os.geteuid() == 0 else "",
              "listen": "ssl http2" if name == "nginx" else "ssl",
              "on": "" if name == "nginx" else "http2 on;"}
    text = H2O if name == "h2o" else NGINX
    if name == "backend":
        text, values["listen"], values["on"] = BACKEND, "", ""
    conf = os.path.join(folder, name + ".conf")
    with open(conf, "w") as f:
        f.write(text % values)
    words = [program, "-c", conf] + ([] if name == "h2o" else ["-p", folder])
    p = subprocess.Popen(words, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    for _ in range(100):
        time.sleep(0.05)
        if subprocess.run(["sh", "-c", "exec 3<>/dev/tcp/127.0.0.1/%d" % port],
                          stderr=subprocess.DEVNULL,
                          executable="/bin/bash").returncode == 0:
            break
    return p


def ask(port, path, n, body, folder):
    words = ["h2load", "-n", str(n), "-c", "1", "-m", "32", "-t", "1"]
    if body:
        words += ["-d", os.path.join(folder, "files", body)]
    said = subprocess.run(words + ["https://127.0.0.1:%d%s" % (port, path)],
                          capture_output=True, text=True, timeout=120).stdout
    done = re.search(r"(\d+) succeeded", said)
    return int(done.group(1)) if done else 0


def calls(pid, port, path, n, body, folder):
    trace = subprocess.Popen(["strace", "-c", "-f", "-qq", "-o",
                              os.path.join(folder, "calls"), "-p", str(pid)])
    time.sleep(0.3)
    n = ask(port, path, n // 10 + 1, body, folder)
    trace.terminate()
    trace.wait()
    with open(os.path.join(folder, "calls")) as f:
        total = re.search(r"(\d+)\s+(?:\d+\s+)?total", f.read())
    return int(total.group(1)) / n if total and n else float("nan")


def measured(s, port, path, n, body, folder):
    """Microseconds of processor a request."""
    before = measure.cpu_seconds(s.pid)
    done = ask(port, path, n, body, folder)
    return (measure.cpu_seconds(s.pid) - before) * 1e6 / max(done, 1)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--only", default="weir,nginx,h2o")
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--scale", type=float, default=1.0)
    p.add_argument("--rounds", type=int, default=3)
    o = p.parse_args()
    programs = {"weir": os.environ.get("TEST_BINARY")
                or os.path.join(HERE, "../../build/weir"),
                "nginx": "/usr/sbin/nginx", "h2o": "/usr/bin/h2o"}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.mkdir(os.path.join(folder, "files"))
        for name, size in (("1k", 1024), ("100k", 102400), ("1m", 1 << 20),
                           ("10m", 10 << 20)):
            with open(os.path.join(folder, "files", name), "wb") as f:
                f.write(os.urandom(size))
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "9",
                        "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-subj", "/CN=a",
                        "-keyout", os.path.join(folder, "k.pem"), "-out",
                        os.path.join(folder, "c.pem")], check=True,
                       capture_output=True)
        behind, behind2 = servers.free_port(), servers.free_port()
        backend = start("backend", "/usr/sbin/nginx", folder, behind, 1,
                        behind2)
        ports = {name: servers.free_port() for name in o.only.split(",")}
        all = {name: start(name, programs[name], folder, port, behind, behind2)
               for name, port in ports.items()}
        for point in o.points.split(","):
            path, n, body = POINTS[point]
            n = max(10, int(n * o.scale))
            best = {}
            for turn in range(o.rounds + 1):
                for name, s in all.items():
                    cpu = measured(s, ports[name], path,
                                   n if turn else n // 10 + 1, body, folder)
                    if turn:  # the first one warms up
                        best[name] = min(cpu, best.get(name, cpu))
            for name, s in all.items():
                print("%-12s %-6s %10.2f us of processor a request, %6.2f calls"
                      % (point, name, best[name],
                         calls(s.pid, ports[name], path, n, body, folder)),
                      flush=True)
        for s in list(all.values()) + [backend]:
            s.terminate()
            s.wait()


main()
