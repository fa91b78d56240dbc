# SPDX-License-Identifier: BSD-2-Clause
"""A Flask application that may live under a prefix: notes in the session, files in
$APP_ROOT, a stream."""
import hashlib
import os
import time

from flask import Flask, Response, abort, flash, get_flashed_messages, jsonify, redirect, \
    render_template_string, request, send_from_directory, session, stream_with_context, url_for
from werkzeug.middleware.proxy_fix import ProxyFix

ROOT = os.environ['APP_ROOT']
app = Flask(__name__, static_folder=ROOT + '/static')
app.secret_key = 'k' * 32
if os.environ.get('BEHIND_PROXY'):
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)

PAGE = '''<link href="{{ url_for('static', filename='style.css') }}">
{% for m in messages %}<b>{{ m }}</b>{% endfor %}
<form action="{{ url_for('add') }}" method=post>{{ notes|join(', ') }}</form>'''


@app.get('/')
def index():
    return render_template_string(PAGE, notes=session.get('notes', []), messages=get_flashed_messages())


@app.post('/add')
def add():
    session['notes'] = session.get('notes', []) + [request.form['note']]
    flash('added')
    return redirect(url_for('index'))


@app.post('/file')
def take_file():
    file = request.files['file']
    file.save(os.path.join(ROOT, 'files', os.path.basename(file.filename)))
    return redirect(url_for('give_file', name=file.filename, _external=True), 303)


@app.get('/file/<name>')
def give_file(name):
    return send_from_directory(ROOT + '/files', name, as_attachment=True)


@app.route('/facts', methods=['GET', 'POST', 'PUT', 'DELETE'])
def facts():
    data = request.get_data()
    return jsonify(url=request.url, root=request.root_path, path=request.path, addr=request.remote_addr,
                   method=request.method, body='%d %s' % (len(data), hashlib.md5(data).hexdigest()),
                   headers=sorted(k for k, _ in request.headers))


@app.get('/stream')
def stream():
    def pieces():
        yield 'data: first\n\n'
        while not os.path.exists(ROOT + '/go'):
            time.sleep(0.01)
        yield 'data: last\n\n'
    return Response(stream_with_context(pieces()), mimetype='text/event-stream',
                    headers={'X-Accel-Buffering': 'no'})


@app.get('/etag')
def etag():
    response = Response('tagged\n' * 300, mimetype='text/plain')
    response.add_etag()
    return response.make_conditional(request)


@app.get('/refused')
def refused():
    abort(403)
