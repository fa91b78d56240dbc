// SPDX-License-Identifier: BSD-2-Clause
//
// What t/ssl_clients.t asks with Node's own TLS:
//
//     node client.js PORT
//
// It prints what it saw, as one line of JSON.

'use strict';

const https = require('https');
const tls = require('tls');
const { WebSocket } = require('ws');

const port = Number(process.argv[2]);
const where = { host: '127.0.0.1', port, servername: 'a.test', rejectUnauthorized: false };

const request = (options, body) => new Promise((resolve, reject) => {
  const req = https.request({ ...where, headers: { Host: 'a.test' }, ...options }, (res) => {
    const pieces = [], port = res.socket.localPort;
    res.on('data', (piece) => pieces.push(piece));
    res.on('end', () => resolve({ port, status: res.statusCode,
                                  body: Buffer.concat(pieces).toString() }));
  });
  req.on('error', reject);
  req.end(body);
});

const keptAlive = async () => {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();

  for (let i = 0; i < 5; i++) ports.add((await request({ agent, path: '/' })).port);
  const posted = await request({ agent, path: '/app/upload', method: 'POST' }, Buffer.alloc(1 << 20, 'x'));
  ports.add(posted.port);
  agent.destroy();
  return { connections: ports.size, posted: posted.status };
};

const resumed = (version) => new Promise((resolve, reject) => {
  let session;
  const ask = (then) => {
    const socket = tls.connect({ ...where, session, minVersion: version, maxVersion: version }, () => {
      socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    });
    socket.on('session', (it) => { session = it; });
    socket.on('end', () => then(socket.isSessionReused()));
    socket.on('error', reject);
    socket.resume();
  };
  ask((first) => ask((second) => resolve([first, second])));
});

const echoed = (size) => new Promise((resolve, reject) => {
  const sent = 'x'.repeat(size);
  const ws = new WebSocket(`wss://127.0.0.1:${port}/app/ws`, { 
    rejectUnauthorized: false, servername: 'a.test', headers: { Host: 'a.test' } });
  let greeting;

  ws.on('message', (data) => {
    if (greeting === undefined) {
      greeting = data.toString();
      ws.send(sent);
    } else {
      ws.close();
      resolve(data.toString().includes(sent));
    }
  });
  ws.on('error', reject);
});

(async () => {
  console.log(JSON.stringify({
    kept: await keptAlive(),
    resumed: { 'TLSv1.2': await resumed('TLSv1.2'), 'TLSv1.3': await resumed('TLSv1.3') },
    echoed: await Promise.all([1, 125, 70000, 1 << 20].map(echoed)),
  }));
})().catch((error) => {
  console.log(JSON.stringify({ error: String(error) }));
  process.exit(1);
});
