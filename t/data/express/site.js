// SPDX-License-Identifier: BSD-2-Clause
//
// One instance of the application that t/express_routing.t puts behind weir:
//
//     node site.js NAME PORT
//
// Who somebody is follows from the cookie "session".  It prints "ready", and
// ends when its standard input does.

'use strict';

const express = require('express');

const [name, port] = process.argv.slice(2);
const app = express();
const people = {
  's-anna': { user: 'anna', role: 'admin' },
  's-ben': { user: 'ben', role: 'reader' },
};

app.set('trust proxy', 1);
app.set('env', 'test'); // errors are not printed

app.use((req, res, next) => {
  const cookie = /(?:^|; )session=([^;]*)/.exec(req.get('Cookie') || '');

  req.person = cookie && people[cookie[1]];
  res.set('X-Powered-By', `site ${name}`);
  next();
});

// Asked by the proxy before it lets a request through.
app.all('/auth', (req, res) => {
  if (!req.person) {
    return res.status(401).set('WWW-Authenticate', 'Session').end();
  }
  if (req.get('X-Original-URI').startsWith('/account/admin')
      && req.person.role !== 'admin') {
    return res.status(403).end();
  }
  return res.set({ 'X-User': req.person.user, 'X-Role': req.person.role })
    .status(204).end();
});

app.post('/session', express.urlencoded({ extended: false }), (req, res) => {
  res.cookie('session', `s-${req.body.name}`, { httpOnly: true });
  res.redirect(303, req.body.next || '/');
});

app.get('/api/broken', () => {
  throw new Error('broken');
});

app.get('/api/missing', (req, res) => {
  res.status(404).json({ error: 'no such thing' });
});

app.use('/api', express.json(), (req, res) => {
  res.json({
    instance: name, url: req.originalUrl, method: req.method, ip: req.ip,
    id: req.get('X-Request-ID'), body: req.body,
  });
});

app.use((req, res) => {
  res.json({
    instance: name, url: req.originalUrl, host: req.hostname, ip: req.ip,
    user: req.get('X-User'), role: req.get('X-Role'),
    tenant: req.get('X-Tenant'),
  });
});

app.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.stdin.on('end', () => process.exit(0));
process.stdin.resume();
