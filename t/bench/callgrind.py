# SPDX-License-Identifier: BSD-2-Clause
"""Counting instructions in user space: a weir of one process (master_process off)
under callgrind, which looks at its event loop alone, and a client that sends one
request after the other over a kept connection."""

import re
import signal
import socket
import subprocess
import time


class Server:
    """weir under callgrind; stop() gives the instructions, out is the file for
    callgrind_annotate."""

    def __init__(self, binary, conf, prefix, out):
        self.out, self.said = out, out + ".said"
        with open(self.said, "w") as said:
            self.process = subprocess.Popen(
                ["valgrind", "--tool=callgrind", "--toggle-collect=loop_turn",
                 "--callgrind-out-file=" + out, binary, "-p", prefix,
                 "-c", conf], stdout=subprocess.DEVNULL, stderr=said)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        with open(self.said) as f:
            text = f.read()
        found = re.search(r"Collected : (\d+)", text)
        if not found:
            raise SystemExit("callgrind said:\n" + text)
        return int(found[1])


def connect(port):
    for _ in range(600):
        try:
            s = socket.create_connection(("127.0.0.1", port))
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return s
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not listen")


def whole(got):
    """Is this a whole response, with Content-Length or in chunks?"""
    head, end, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
    if not end:
        return False
    return (len(body) >= int(length[1]) if length
            else body.endswith(b"0\r\n\r\n"))


def ask(s, path, n):
    """n requests over the connection s, one after the other."""
    request = ("GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n"
               "Accept: */*\r\n\r\n" % path).encode()
    for _ in range(n):
        s.sendall(request)
        got = b""
        while not whole(got):
            piece = s.recv(65536)
            if not piece:
                raise SystemExit("closed: %r" % got[:200])
            got += piece
        if not got.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(got.decode(errors="replace"))
    s.close()
