// SPDX-License-Identifier: BSD-2-Clause
//
// Calls of gRPC, each a line of JSON on standard output:
//
//     node grpc_client.js ADDRESS CASE ...
//
// For what happens in the middle of a call it prints "middle NAME" and waits for
// a line of standard input.

'use strict';

const grpc = require('@grpc/grpc-js');
const { service } = require('./grpc_service');

const [address, ...cases] = process.argv.slice(2);
const Client = grpc.makeGenericClientConstructor(service, 'T');
const options = {
  'grpc.max_receive_message_length': 16 << 20,
  'grpc.enable_retries': 0,
};
const client = new Client(address, grpc.credentials.createInsecure(), options);

function metadata(values) {
  const out = new grpc.Metadata();

  for (const [key, value] of Object.entries(values)) out.add(key, value);
  return out;
}

function tell(out, error) {
  if (!error) return out;
  return { ...out, code: error.code, details: error.details };
}

function told(trailers, initial) {
  return {
    name: trailers && String(trailers.get('x-name')[0] || ''),
    bin: trailers && trailers.get('echo-bin').map((b) => Buffer.from(b).toString('hex')),
    te: initial && String(initial.get('x-te')[0] || ''),
    authority: initial && String(initial.get('x-authority')[0] || ''),
  };
}

function unary(bytes, values = {}, ms = 10000, after = () => {}) {
  return new Promise((done) => {
    let initial;
    let trailers;
    let result;
    const call = client.unary(bytes, metadata(values), { deadline: Date.now() + ms }, (error, reply) => {
      result = [error, reply];
    });
    call.on('metadata', (m) => { initial = m; });
    call.on('status', (status) => {
      trailers = status.metadata;
      setImmediate(() => done(tell({
        ...told(trailers, initial),
        length: result && result[1] ? result[1].length : 0,
        same: Boolean(result && result[1] && result[1].equals(bytes)),
      }, result && result[0])));
    });
    after(call);
  });
}

function collect(call, onMessage = () => {}) {
  return new Promise((done) => {
    const out = [];

    let failed;
    call.on('data', (message) => { out.push(String(message)); onMessage(out.length); });
    call.on('error', (error) => { failed = error; });
    call.on('status', (status) => setImmediate(() => done(tell({
      ...told(status.metadata), messages: out,
    }, failed))));
  });
}

const line = () => new Promise((done) => { process.stdin.once('data', done); });

const all = {
  unary: () => unary(Buffer.from('hello')),
  empty: () => unary(Buffer.alloc(0)),
  large: () => unary(Buffer.alloc(4 << 20, 'abc')),
  reply: () => unary(Buffer.from('x'), { size: String(4 << 20) }),
  binary: () => unary(Buffer.from('x'), { 'echo-bin': Buffer.from([0, 255, 10, 13, 1]) }),
  error: () => unary(Buffer.from('x'), { fail: '5' }),
  deadline: () => unary(Buffer.from('x'), { wait: '3000' }, 300),
  cancel: () => unary(Buffer.from('x'), { wait: '3000' }, 10000, (call) => setTimeout(() => call.cancel(), 200)),
  server: () => collect(client.server(Buffer.from('m'), metadata({ count: '5' }))),
  slow: () => collect(client.server(Buffer.from('m'), metadata({ count: '3', wait: '100' }))),
  failing: () => collect(client.server(Buffer.from('m'), metadata({ fail: '9' }))),
  client: () => new Promise((done) => {
    let failed;
    let reply;
    const call = client.client(metadata({}), (error, bytes) => { failed = error; reply = bytes; });

    call.on('status', () => setImmediate(() => done(tell({ sum: String(reply) }, failed))));
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1000));
    call.end();
  }),
  both: () => {
    const call = client.both(metadata({}));
    const result = collect(call, (n) => { // each answer asks the next one
      if (n === 20) call.end();
      else call.write(Buffer.from(`message ${n}`));
    });

    call.write(Buffer.from('message 0'));
    return result;
  },
  many: async () => {
    const results = await Promise.all([...Array(200)].map((_, i) => unary(Buffer.from(`call ${i}`))));

    return { same: results.filter((r) => r.same).length };
  },
  middle: async () => {
    const call = client.both(metadata({}));
    let go;
    const first = new Promise((done) => { go = done; });
    const result = collect(call, (n) => {
      if (n === 1) go();
      else call.end();
    });

    call.write(Buffer.from('before'));
    await first;
    console.log('middle');
    await line();
    call.write(Buffer.from('after'));
    return result;
  },
};

(async () => {
  for (const name of cases) {
    console.log(JSON.stringify({ case: name, ...await all[name]() }));
  }
  process.exit(0);
})();
