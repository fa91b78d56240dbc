// SPDX-License-Identifier: BSD-2-Clause
//
// One instance of the application that t/express.t puts behind weir:
//
//     node server.js NAME PORT
//
// It prints "ready", and ends when its standard input does.

'use strict';

const crypto = require('crypto');
const express = require('express');
const http = require('http');
const { WebSocketServer } = require('ws');

const [name, port] = process.argv.slice(2);
const app = express();
const server = http.createServer(app);
const counts = { uploads: 0, streams: 0, sockets: 0 };

const now = () => performance.timeOrigin + performance.now();

app.set('trust proxy', 1);
app.set('env', 'test'); // errors are not printed

app.use((req, res, next) => {
  res.set('X-Instance', name);
  next();
});

app.get('/', (req, res) => {
  res.json({
    instance: name,
    host: req.hostname,
    ip: req.ip,
    protocol: req.protocol,
    secure: req.secure,
    realIp: req.get('X-Real-IP'),
    forwarded: req.get('X-Forwarded-For'),
    url: req.originalUrl,
  });
});

app.get('/counts', (req, res) => {
  res.set('Cache-Control', 'no-store').json(counts);
});

app.get('/slow', (req, res) => {
  setTimeout(() => res.send(`slow ${name}`), Number(req.query.ms) || 100);
});

app.get('/page', (req, res) => {
  res.send('<p>' + 'a page that is the same each time '.repeat(500) + '</p>');
});

app.get('/login', (req, res) => {
  res.cookie('session', 'a b;c', { httpOnly: true, secure: req.secure });
  res.redirect(`${req.protocol}://${req.get('Host')}/home?from=login`);
});

app.post('/json', express.json(), (req, res) => {
  res.status(201).json({ got: req.body });
});

app.post(['/upload', '/stream/upload'], (req, res) => {
  const hash = crypto.createHash('sha1');
  let bytes = 0;

  counts.uploads++;
  req.on('data', (piece) => {
    bytes += piece.length;
    hash.update(piece);
  });
  req.on('end', () => res.json({ bytes, sha1: hash.digest('hex') }));
});

// Each event carries the moment when it was written, in milliseconds.
app.get('/events', (req, res) => {
  const wanted = Number(req.query.n) || 1e9;
  let id = 0;

  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache',
  });
  res.flushHeaders();
  counts.streams++;
  const timer = setInterval(() => {
    id++;
    res.write(`id: ${id}\ndata: ${now()}\n\n`);
    if (id >= wanted) {
      clearInterval(timer);
      res.end();
    }
  }, 20);
  res.on('close', () => {
    clearInterval(timer);
    counts.streams--;
  });
});

const sockets = new WebSocketServer({ server, path: '/ws' });
sockets.on('connection', (socket, req) => {
  counts.sockets++;
  socket.send(`${name} ${req.headers['x-forwarded-for']}`);
  socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
  });
  socket.on('close', () => counts.sockets--);
});

server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
