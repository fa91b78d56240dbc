// SPDX-License-Identifier: BSD-2-Clause
//
// An HTTP/2 server (prior knowledge, or TLS with a key and a certificate):
//
//     node h2.js NAME PORT
//
// KEY and CERT in the environment name files.  It prints "ready", and ends when
// its standard input does.  Answers tell of the request; ?words say what else.

'use strict';

const fs = require('fs');
const http2 = require('http2');

const [name, port] = process.argv.slice(2);
const { KEY, CERT } = process.env;
// MB: it refuses streams (ENHANCE_YOUR_CALM) while more waits to be sent.
const maxSessionMemory = 100;
const server = KEY
  ? http2.createSecureServer({
    maxSessionMemory,
    key: fs.readFileSync(KEY), cert: fs.readFileSync(CERT), allowHTTP1: true,
  })
  : http2.createServer({ maxSessionMemory });
let sessions = 0;

server.on('session', (session) => { session.number = ++sessions; });
server.on('sessionError', () => {});

// Data of a length, that differs from place to place.
const pattern = (n) => Buffer.alloc(n, 'abcdefghijklmnopqrstuvwxyz0123456789-');

function answer(stream, headers, body) {
  const query = new URLSearchParams((headers[':path'].split('?')[1]) || '');
  const fields = { ':status': Number(query.get('status') || 200) };

  fields['x-session'] = stream.session.number;
  fields['x-stream'] = stream.id;
  if (query.get('hints')) stream.additionalHeaders({ ':status': 103, link: '</a>; rel=preload' });
  if (query.get('trailers')) {
    stream.respond(fields, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
    stream.end('with trailers');
    return;
  }
  if (query.get('size')) {
    stream.respond(fields);
    stream.end(pattern(Number(query.get('size'))));
    return;
  }
  if (query.get('empty')) {
    stream.respond(fields, { endStream: true });
    return;
  }
  fields['content-type'] = 'application/json';
  stream.respond(fields);
  if (headers[':method'] === 'HEAD') {
    stream.end();
    return;
  }
  stream.end(JSON.stringify({
    name, headers, length: body.length, sum: sum(body),
    alpn: stream.session.alpnProtocol,
  }));
}

function sum(body) {
  let a = 0;

  for (const byte of body) a = (a * 31 + byte) % 1000003;
  return a;
}

server.on('stream', (stream, headers) => {
  const parts = [];

  stream.on('error', () => {});
  stream.on('data', (part) => parts.push(part));
  stream.on('end', () => {
    const wait = Number(/wait=(\d+)/.exec(headers[':path'])?.[1] || 0);

    setTimeout(() => {
      if (!stream.destroyed) answer(stream, headers, Buffer.concat(parts));
    }, wait);
  });
});

// HTTP/1.1 over TLS.  (A listener for requests sends trailers of its own.)
if (KEY) server.on('request', (req, res) => {
  if (req.httpVersionMajor < 2) res.end(JSON.stringify({ name, version: req.httpVersion }));
});

server.listen(port, '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0)).resume();
