# SPDX-License-Identifier: BSD-2-Clause
"""The two servers that are compared, and the backends behind them.

Each side has a loopback address of its own and the same ports on it, so that
texts with addresses differ in one digit only, which plain() levels.
"""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from wire import Wire

ADDRESSES = {"oracle": "127.0.0.3", "weir": "127.0.0.2"}

HEAD = """daemon off; worker_processes 1; %(user)s
pid %(dir)s/pid; error_log %(dir)s/error.log info;
events { worker_connections 512; }
http {
client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2;
fastcgi_temp_path %(dir)s/t3; uwsgi_temp_path %(dir)s/t4;
scgi_temp_path %(dir)s/t5;
"""

# What an older oracle does not have is taken out of both configurations.
SINCE_1_29 = ("proxy_pass_trailers", "early_hints", "add_header_inherit",
              "keepalive_min_timeout", "max_headers")


class Binary:
    """One of the two, under the name nginx, by which it calls itself so."""

    def __init__(self, name, path, folder):
        self.name = name
        self.path = os.path.join(folder, name + "-bin", "nginx")
        os.makedirs(os.path.dirname(self.path))
        os.symlink(os.path.abspath(path), self.path)
        said = subprocess.run([self.path, "-v"], capture_output=True,
                              text=True, check=True).stderr
        m = re.search(r"/(\d+)\.(\d+)\.", said)
        self.version = (int(m.group(1)), int(m.group(2))) if m else (0, 0)


def free_ports(n):
    """n ports that are free on both addresses, below the kernel's own."""
    ports = []
    while len(ports) < n:
        port = random.SystemRandom().randrange(10000, 20000)
        try:
            for address in ADDRESSES.values():
                with socket.socket() as s:
                    s.bind((address, port))
        except OSError:
            continue
        if port not in ports:
            ports.append(port)
    return ports


def plain(side, data):
    """Bytes without what differs from side to side."""
    data = data.replace(ADDRESSES["oracle"].encode(),
                        ADDRESSES["weir"].encode())
    return re.sub(rb"<center>(nginx|weir)[^<]*</center>", b"<center/>", data)


class Server:
    """A server in a folder of its own: http is what stands in http {}."""

    def __init__(self, binary, folder, http, port, old):
        self.binary = binary
        self.folder = os.path.join(folder, binary.name)
        self.address = (ADDRESSES[binary.name], port)
        self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/html")
        os.makedirs(self.folder + "/logs")
        if old:
            for name in SINCE_1_29:
                http = re.sub(r"\b%s\b[^;{}]*;" % name, "", http)
        user = "user root;" if os.geteuid() == 0 else ""
        text = HEAD % {"dir": self.folder, "user": user} + http + "\n}\n"
        text = text.replace("%DIR%", self.folder)
        text = text.replace("%HOST%", self.address[0])
        with open(self.folder + "/nginx.conf", "w") as f:
            f.write(text)

    def start(self):
        """None, or what the server said when it did not start."""
        with open(self.folder + "/out", "wb") as out:
            self.process = subprocess.Popen(
                [self.binary.path, "-p", self.folder, "-c",
                 self.folder + "/nginx.conf"],
                stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return self._refusal()
            try:
                socket.create_connection(self.address, 1).close()
                return None
            except OSError:
                time.sleep(0.01)
        self.stop(signal.SIGKILL)
        return "it did not start within 10 seconds"

    def _refusal(self):
        m = re.search(r"\[emerg\] (?:\d+#\d+: )?(.*)", self.read("out"))
        text = m.group(1) if m else "exit code %d" % self.process.returncode
        return text.replace(self.folder, "%DIR%")

    def stop(self, sig=signal.SIGTERM):
        """Ends it; SIGQUIT lets what still runs end first."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(sig)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), errors="replace") as f:
                return f.read()
        except OSError:
            return ""

    def alarms(self):
        """What the error log says that hardly any input may cause."""
        form = r".*(\[\w+\]) \d+#\d+: (?:\*\d+ )?(.*?)(?: while [^,]*)?, "
        return sorted(re.sub(form, r"\1 \2, ", line)
                      for line in self.read("error.log").splitlines()
                      if "[alert]" in line or "[emerg]" in line)


class Backend:
    """Listens, and calls serve(wire) in a thread for each connection."""

    def __init__(self, address, serve):
        self.serve = serve
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(256)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(Wire(sock),),
                             daemon=True).start()

    def _run(self, wire):
        try:
            self.serve(wire)
        except (OSError, ValueError):
            pass
        finally:
            wire.close()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
