#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How many normal clients are answered within a second while slow clients
use up all connections of a worker.

Each attacker does one thing forever: it opens a connection, sends what its
kind sends, goes on with a few bytes a second, and comes again --pause seconds
after it was closed.  A normal client opens a connection, asks for a small file
(or, --proxied, for something that a backend has), and reads the response.
"""

import argparse
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = '127.0.0.1'
BIG = 4 << 20
STAY = 5  # seconds; a slow reader sees nothing of an end behind the data

CONF = '''
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {dir}/{name}.pid;
error_log {dir}/{name}.log warn;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    {temp}
    server {{
        listen {host}:{port} backlog=4096;
        root {dir};
        location /upload {{ proxy_pass http://{host}:{backend}; }}
        location /proxied/ {{ proxy_pass http://{host}:{backend}/; }}
    }}
}}
'''

FIRST = {
    'heads': b'GET /small HTTP/1.1\r\nHost: a\r\nX-A: ',
    'bodies': b'POST /upload HTTP/1.1\r\nHost: a\r\n'
              b'Content-Length: 1000000\r\n\r\nx',
    'readers': b'GET /big HTTP/1.1\r\nHost: a\r\n\r\n',
}


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind((HOST, 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def start(args, folder, name, port, backend, connections):
    temp = ''.join(f'{kind}_temp_path {folder}/{name}.{kind};\n' for kind in
                   ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')
                   if args.all_temp or kind in ('client_body', 'proxy'))
    conf = f'{folder}/{name}.conf'
    user = f'user {pwd.getpwuid(0).pw_name};' if os.geteuid() == 0 else ''
    with open(conf, 'w', encoding='ascii') as f:
        f.write(CONF.format(dir=folder, name=name, port=port, host=HOST,
                            backend=backend, connections=connections,
                            temp=temp, user=user))
    process = subprocess.Popen([args.binary, '-p', folder, '-c', conf,
                                '-e', f'{folder}/{name}.log'])
    for _ in range(100):
        try:
            socket.create_connection((HOST, port)).close()
            return process
        except OSError:
            time.sleep(0.05)
    sys.exit(f'{args.binary} does not start')


class Attackers:
    def __init__(self, args, port):
        self.kind, self.port, self.pause = args.kind, port, args.pause
        self.epoll = select.epoll()
        self.coming = [0.0] * args.attackers
        self.socks = {}  # by descriptor
        self.fed = {}  # who has sent the first bytes, and when
        self.feed_at = time.time() + 1

    def come(self):
        s = socket.socket()
        if self.kind == 'readers':
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        s.connect_ex((HOST, self.port))
        self.socks[s.fileno()] = s
        self.epoll.register(s, select.EPOLLOUT)

    def leave(self, s):
        self.epoll.unregister(s)
        del self.socks[s.fileno()]
        self.fed.pop(s, None)
        s.close()
        self.coming.append(time.time() + self.pause)

    def feed(self):
        for s in list(self.fed):
            try:
                if self.kind == 'readers':
                    old = time.time() - self.fed[s] > STAY
                    if old or s.recv(10) == b'':
                        self.leave(s)
                else:
                    s.send(b'x')
            except BlockingIOError:
                pass
            except OSError:
                self.leave(s)

    def ready(self, s, events):
        try:
            if events & ~select.EPOLLOUT:
                self.leave(s)
            else:
                s.send(FIRST[self.kind])
                self.fed[s] = time.time()
                self.epoll.modify(s, select.EPOLLRDHUP)
        except BlockingIOError:
            pass
        except OSError:
            self.leave(s)

    def run(self):
        while True:
            now = time.time()
            due = [at for at in self.coming if at <= now]
            self.coming = [at for at in self.coming if at > now]
            for _ in due:
                self.come()
            for fd, events in self.epoll.poll(0.02):
                self.ready(self.socks[fd], events)
            if now >= self.feed_at:
                self.feed_at = now + 1
                self.feed()


def ask(port, path):
    """Seconds until the whole response was there, or None."""
    began = time.time()
    try:
        with socket.create_connection((HOST, port), 1) as s:
            s.sendall(f'GET {path} HTTP/1.1\r\nHost: a\r\n'
                      'Connection: close\r\n\r\n'.encode())
            got = b''
            while True:
                s.settimeout(max(0.001, began + 1 - time.time()))
                more = s.recv(4096)
                if more == b'':
                    break
                got += more
    except OSError:
        return None
    return time.time() - began if got.startswith(b'HTTP/1.1 200') else None


def measure(args, port):
    path = '/proxied/small' if args.proxied else '/small'
    times, end = [], time.time() + args.seconds
    while time.time() < end:
        times.append(ask(port, path))
        time.sleep(0.02)
    good = sorted(t for t in times if t is not None)
    if not good:
        return f'{len(times):6} asked     0.0% answered'
    return (f'{len(times):6} asked  {100 * len(good) / len(times):6.1f}% answered'
            f'  median {1000 * good[len(good) // 2]:4.0f} ms'
            f'  99%: {1000 * good[len(good) * 99 // 100]:4.0f} ms')


def run(args, kind):
    args.kind = kind
    folder = tempfile.mkdtemp(prefix='weir-pressure-')
    os.chmod(folder, 0o755)
    with open(f'{folder}/small', 'w', encoding='ascii') as f:
        f.write('small')
    with open(f'{folder}/big', 'wb') as f:
        f.truncate(BIG)
    port, backend = free_ports(2)
    servers = [start(args, folder, 'front', port, backend, args.connections),
               start(args, folder, 'back', backend, backend, 4096)]
    attack = os.fork()
    if attack == 0:
        try:
            Attackers(args, port).run()
        finally:
            os._exit(1)
    try:
        time.sleep(args.before)
        print(f'{kind:8}', measure(args, port), flush=True)
        with open(f'{folder}/front.log', encoding='utf-8') as log:
            lines = log.readlines()
        print(f'         {len(lines)} lines were logged; the last one:',
              lines[-1].strip() if lines else '-', flush=True)
    finally:
        os.kill(attack, signal.SIGKILL)
        os.waitpid(attack, 0)
        for s in servers:
            s.terminate()
            s.wait()
        shutil.rmtree(folder)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n', maxsplit=1)[0])
    p.add_argument('--binary', default=os.environ.get('TEST_BINARY',
                                                      'build/weir'))
    p.add_argument('--kinds', default='heads,bodies,readers')
    p.add_argument('--attackers', type=int, default=1000)
    p.add_argument('--connections', type=int, default=512)
    p.add_argument('--seconds', type=float, default=20)
    p.add_argument('--before', type=float, default=3,
                   help='seconds of attack before it is measured')
    p.add_argument('--pause', type=float, default=1)
    p.add_argument('--proxied', action='store_true')
    args = p.parse_args()
    args.binary = os.path.abspath(args.binary)
    version = subprocess.run([args.binary, '-v'], capture_output=True,
                             text=True, check=True).stderr
    args.all_temp = version.startswith('nginx version: nginx/1.22')
    for kind in args.kinds.split(','):
        run(args, kind)


if __name__ == '__main__':
    main()
