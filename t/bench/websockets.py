#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What an open WebSocket costs a server that passes it on: private memory of
its worker, in weir and nginx.

    t/bench/websockets.py [--sockets 2000] [--binary B]
"""

import argparse
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import measure  # noqa: E402
import servers  # noqa: E402

HOST = '127.0.0.1'
USED_BEFORE = 20
MESSAGE = b'x' * 200
CONF = '''
{user}
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {dir}/pid;
events {{ worker_connections 60000; }}
http {{
    access_log off;
    server {{
        listen {host}:{port} backlog=4096;
        location / {{
            proxy_pass http://{host}:{backend};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header Host $host;
            proxy_read_timeout 1h;
        }}
    }}
}}
'''
# As a browser asks.
REQUEST = '\r\n'.join([
    'GET /ws HTTP/1.1', 'Host: shop.example.com',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 '
    'Firefox/128.0', 'Accept: */*', 'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br, zstd', 'Sec-WebSocket-Version: 13',
    'Origin: https://shop.example.com',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Connection: keep-alive, Upgrade',
    'Cookie: session=0123456789abcdef0123456789abcdef',
    'Upgrade: websocket', '', '']).encode()
ANSWER = (b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
          b'Connection: Upgrade\r\n'
          b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n')


def serve(listener):
    """Switches, and then sends back what comes."""
    known = selectors.DefaultSelector()
    known.register(listener, selectors.EVENT_READ)
    has_begun = set()
    while True:
        for key, _ in known.select():
            if key.fileobj is listener:
                known.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            data = key.fileobj.recv(65536)
            if not data:
                known.unregister(key.fileobj)
                has_begun.discard(key.fileobj)
                key.fileobj.close()
            elif key.fileobj in has_begun:
                key.fileobj.sendall(data)
            elif data.endswith(b'\r\n\r\n'):
                has_begun.add(key.fileobj)
                key.fileobj.sendall(ANSWER)


def receive(sock, n):
    while n > 0:
        data = sock.recv(65536)
        if not data:
            sys.exit('closed early')
        n -= len(data)


def open_socket(port):
    sock = socket.create_connection((HOST, port))
    sock.sendall(REQUEST)
    head = b''
    while b'\r\n\r\n' not in head:
        head += sock.recv(4096)
    if not head.startswith(b'HTTP/1.1 101 '):
        sys.exit(f'not switched: {head!r}')
    return sock


def cost(program, backend, n):
    with tempfile.TemporaryDirectory() as folder:
        port = servers.free_port()
        user = 'user root;' if os.geteuid() == 0 else ''
        with open(f'{folder}/conf', 'w', encoding='ascii') as f:
            f.write(CONF.format(dir=folder, host=HOST, port=port, user=user,
                                backend=backend))
        master = subprocess.Popen([program, '-p', folder, '-c', 'conf',
                                   '-e', f'{folder}/log'], cwd=folder)
        try:
            while not servers.children(master.pid):
                time.sleep(0.05)
            time.sleep(0.5)
            worker = servers.children(master.pid)[0]
            socks = [open_socket(port) for _ in range(USED_BEFORE)]
            before = measure.private_kb(worker)
            socks += [open_socket(port) for _ in range(n)]
            idle = measure.private_kb(worker) - before
            for sock in socks:
                sock.sendall(MESSAGE)
            for sock in socks:
                receive(sock, len(MESSAGE))
            used = measure.private_kb(worker) - before
        finally:
            master.terminate()
            master.wait()
    return idle / n, used / n


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('--sockets', type=int, default=2000)
    p.add_argument('--binary', default=os.environ.get('TEST_BINARY')
                   or os.path.join(HERE, '../../build/weir'))
    args = p.parse_args()
    measure.raise_files(4 * args.sockets + 100)
    listener = socket.create_server((HOST, 0), backlog=4096)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    for program in os.path.abspath(args.binary), '/usr/sbin/nginx':
        if os.path.exists(program):
            idle, used = cost(program, listener.getsockname()[1], args.sockets)
            print(f'{os.path.basename(program):8} {idle:5.1f} kB each, '
                  f'{used:5.1f} kB after a message each way')


main()
