#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Instructions in user space for a request, by callgrind: they do not depend on
what else the machine does, as processor time does.

    t/bench/instructions.py [--binary B] [--points static,proxy] [--keep FOLDER]

All points have bodies of 1 kB on kept connections: HTTP/1.1 with one request after
the other, HTTP/2 with 32 streams over TLS (h2load).  Backends are an nginx,
memcached, and for FastCGI, uwsgi and SCGI a program here that answers at once.
--keep leaves POINT.out for callgrind_annotate.  The difference of a long run and a
short one is divided by that of their requests.  See README.md here."""

import argparse
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import callgrind  # noqa: E402
import gateways  # noqa: E402
import servers  # noqa: E402

PARAMS = os.path.join(HERE, "../../conf")
HTTP11 = 'proxy_http_version 1.1; proxy_set_header Connection "";'

# name: what the location has; those of h2- and tls- are asked over TLS
POINTS = {
    "return": "return 200 ok",
    "static": "alias {top}/1k",
    "tls": "alias {top}/1k",
    "h2-static": "alias {top}/1k",
    "proxy": HTTP11 + "proxy_pass http://behind/1k",
    "h2-proxy": HTTP11 + "proxy_pass http://behind/1k",
    "h2-proxy2": "proxy_http_version 2; proxy_pass http://behind2/1k",
    "memcached": "set $memcached_key 1k; memcached_pass cache",
    "fastcgi": "include {params}/fastcgi_params; fastcgi_param SCRIPT_FILENAME"
               " $document_root/1k.php; fastcgi_pass unix:{top}/fastcgi",
    "uwsgi": "include {params}/uwsgi_params; uwsgi_pass unix:{top}/uwsgi",
    "scgi": "include {params}/scgi_params; scgi_pass unix:{top}/scgi",
}

COMMON = """
daemon off;
master_process off;
pid {top}/{name}.pid;
error_log {top}/{name}.log;
events {{ worker_connections 500; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    default_type text/plain;
    client_body_temp_path {top}/t1; proxy_temp_path {top}/t2;
    fastcgi_temp_path {top}/t3; uwsgi_temp_path {top}/t4;
    scgi_temp_path {top}/t5;
"""
BEHIND = COMMON + """
    server {{
        listen 127.0.0.1:{behind};
        listen 127.0.0.1:{behind2} http2;
        root {top};
    }}
}}
"""
FRONT = COMMON + """
    upstream behind {{ server 127.0.0.1:{behind}; keepalive 64; }}
    upstream behind2 {{ server 127.0.0.1:{behind2}; keepalive 64; }}
    upstream cache {{ server 127.0.0.1:{cache}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls} ssl;
        http2 on;
        ssl_certificate {top}/c.pem;
        ssl_certificate_key {top}/k.pem;
        root {top};
"""

HEAD = b"Content-Type: text/plain\r\nX-Powered-By: PHP/8.2.1\r\n"
BODY = b"x" * 1024


def record(kind, content):
    return (bytes([1, kind, 0, 1]) + len(content).to_bytes(2, "big")
            + b"\0\0" + content)


ANSWERS = {
    "fastcgi": record(6, HEAD + b"\r\n" + BODY) + record(3, b"\0" * 8),
    "uwsgi": (b"HTTP/1.1 200 OK\r\n" + HEAD
              + b"Content-Length: 1024\r\n\r\n" + BODY),
    "scgi": (b"Status: 200 OK\r\n" + HEAD
             + b"Content-Length: 1024\r\n\r\n" + BODY),
}


def answer(listening, text):
    while True:
        c, _ = listening.accept()
        c.recv(65536)
        c.sendall(text)
        c.close()


def start_answering(top):
    for name, text in ANSWERS.items():
        listening = socket.socket(socket.AF_UNIX)
        listening.bind("%s/%s" % (top, name))
        listening.listen(64)
        threading.Thread(target=answer, args=(listening, text),
                         daemon=True).start()


def start_behind(stack, words):
    """The nginx and the memcached that are asked."""
    conf = words["top"] + "/behind.conf"
    with open(conf, "w") as f:
        f.write(BEHIND.format_map(dict(words, name="behind")))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for command in (["/usr/sbin/nginx", "-c", conf],
                    ["memcached", "-l", "127.0.0.1", "-U", "0", "-p",
                     str(words["cache"])]
                    + (["-u", "root"] if os.getuid() == 0 else [])):
        p = subprocess.Popen(command, **quiet)
        stack.callback(p.wait)
        stack.callback(p.terminate)
    callgrind.connect(words["cache"]).close()
    gateways.put(words["cache"])


def ask(point, words, n):
    path = "/" + point
    if point.startswith("h2-"):
        callgrind.connect(words["tls"]).close()
        said = subprocess.run(
            ["h2load", "-n", str(n), "-c", "1", "-m", "32", "-t", "1",
             "https://127.0.0.1:%d%s" % (words["tls"], path)],
            capture_output=True, text=True, timeout=300).stdout
        if "status codes: %d 2xx" % n not in said:
            raise SystemExit(said)
        return
    s = callgrind.connect(words["tls" if point == "tls" else "port"])
    if point == "tls":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(s)
    callgrind.ask(s, path, n)


def run(o, point, words, n, keep):
    out = "%s/%s.out" % (o.keep if keep and o.keep else words["top"], point)
    server = callgrind.Server(o.binary, words["top"] + "/front.conf",
                              words["top"], out)
    try:
        ask(point, words, n)
    finally:
        total = server.stop()
    return total


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--binary", default=os.path.join(HERE, "../../build/weir"))
    p.add_argument("--points", default=",".join(POINTS))
    p.add_argument("--requests", type=int, default=1500)
    p.add_argument("--keep", help="a folder for what callgrind writes")
    o = p.parse_args()
    with contextlib.ExitStack() as stack:
        top = stack.enter_context(tempfile.TemporaryDirectory())
        os.chmod(top, 0o755)
        words = {name: servers.free_port() for name in
                 ("port", "tls", "behind", "behind2", "cache")}
        words.update(top=top, params=PARAMS, name="front")
        with open(top + "/1k", "wb") as f:
            f.write(BODY)
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "9",
                        "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-subj", "/CN=a",
                        "-keyout", top + "/k.pem", "-out", top + "/c.pem"],
                       check=True, capture_output=True)
        with open(top + "/front.conf", "w") as f:
            f.write(FRONT.format_map(words))
            for name, text in POINTS.items():
                f.write("location = /%s { %s; }\n"
                        % (name, text.format_map(words)))
            f.write("}}\n")
        start_answering(top)
        start_behind(stack, words)
        for point in o.points.split(","):
            n, few = o.requests, o.requests // 3
            short = run(o, point, words, few, False)
            long = run(o, point, words, n, True)
            print("%-10s %7.0f" % (point, (long - short) / (n - few)),
                  flush=True)


if __name__ == "__main__":
    for tool in ("valgrind", "h2load", "memcached", "/usr/sbin/nginx"):
        if not shutil.which(tool):
            raise SystemExit("no %s: sh auto/deps bench" % tool)
    main()
