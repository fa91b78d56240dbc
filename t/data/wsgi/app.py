# SPDX-License-Identifier: BSD-2-Clause
"""An application for WSGI servers: says what it receives, and responds in the
ways that a server in front of it has to get right."""
import hashlib, os, time

def own(name):
    return name.startswith(('wsgi.', 'uwsgi.', 'x-wsgi'))

def application(environ, start_response):
    path = environ['PATH_INFO']
    types = [('Content-Type', 'text/plain')]
    if path == '/echo':
        data = environ['wsgi.input'].read()
        start_response('200 OK', types)
        return [('%d %s' % (len(data), hashlib.md5(data).hexdigest())).encode()]
    if path == '/large':
        start_response('200 OK', types)
        return (b'0123456789abcdef' * 4096 for i in range(64))
    if path == '/status':
        start_response('418 Short and stout', types + [('X-A', '1'), ('X-A', '2')])
        return [b'tea']
    if path == '/move':
        start_response('302 Found', [('Location', '/else')])
        return []
    if path == '/none':
        start_response('204 No Content', [])
        return []
    if path == '/stream':
        start_response('200 OK', types + [('X-Accel-Buffering', 'no')])
        def pieces():
            yield b'first\n'
            while not os.path.exists(environ['HTTP_X_UNTIL']):
                time.sleep(0.01)
            yield b'last\n'
        return pieces()
    if path == '/cut':
        start_response('200 OK', types + [('Content-Length', '1000')])
        return [b'too short']
    start_response('200 OK', types)
    names = sorted(n for n in environ if not own(n) and isinstance(environ[n], str))
    return [('%s=%s\n' % (n, environ[n])).encode() for n in names]
