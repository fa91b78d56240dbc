# SPDX-License-Identifier: BSD-2-Clause
"""A large configuration: how long it takes to read, and what it costs."""

import os
import subprocess
import time

import measure
import servers

SERVERS, LOCATIONS = 2000, 10

HEAD = """
%(user)s
daemon off;
worker_processes 1;
pid %(dir)s/pid;
error_log %(dir)s/error.log;
events { worker_connections 64; }
http {
    access_log off;
    server_names_hash_max_size 16384;
    server_names_hash_bucket_size 128;
    client_body_temp_path %(dir)s/t1;
    proxy_temp_path %(dir)s/t2;
    fastcgi_temp_path %(dir)s/t3;
    uwsgi_temp_path %(dir)s/t4;
    scgi_temp_path %(dir)s/t5;
    upstream backend { server 127.0.0.1:9; }
    server { listen 127.0.0.1:%(port)d default_server; }
"""

SERVER = """
    server {
        listen 127.0.0.1:%(port)d;
        server_name site%(n)d.example.com www.site%(n)d.example.com;
        root /var/www/site%(n)d;
"""

# In turn: a third with nothing of their own but the handler.
KINDS = [
    "proxy_pass http://backend;",
    "expires 1h;",
    "proxy_pass http://backend; proxy_set_header X-Real-IP $remote_addr;",
    "return 404;",
    "try_files $uri $uri/ /index.html;",
]


def text(words, n_servers):
    parts = [HEAD % words]
    for n in range(n_servers):
        parts.append(SERVER % {"port": words["port"], "n": n})
        for k in range(LOCATIONS):
            parts.append("        location /part%d/ { %s }\n"
                         % (k, KINDS[k % len(KINDS)]))
        parts.append("    }\n")
    parts.append("}\n")
    return "".join(parts)


def resident_kb(program, conf, folder):
    """Of a master that has read the configuration."""
    process = subprocess.Popen([program, "-p", folder, "-c", conf],
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if servers.children(process.pid) or process.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(0.2)
        return measure.memory_kb(process.pid, "VmRSS")
    finally:
        process.terminate()
        process.wait()


def run(kinds, top):
    print("\n%d servers with %d locations each" % (SERVERS, LOCATIONS))
    for kind in kinds:
        folder = os.path.join(top, "large-" + kind.name)
        os.makedirs(folder)
        words = {"dir": folder, "port": servers.free_port(),
                 "user": kind.user if os.getuid() == 0 else ""}
        confs = []
        for n in (0, SERVERS):
            confs.append(os.path.join(folder, "conf-%d" % n))
            with open(confs[-1], "w") as f:
                f.write(text(words, n))
        program = kind.command[0]
        times = [measure.timed([program, "-t", "-p", folder, "-c", confs[1]])
                 for _ in range(3)]
        wall, cpu = sorted(times)[1]
        kb = [resident_kb(program, conf, folder) for conf in confs]
        each = (kb[1] - kb[0]) * 1024 / (SERVERS * LOCATIONS)
        print("%-12s -t %.2f s (%.2f s of processor), %.0f bytes a location"
              % (kind.name, wall, cpu, each))
