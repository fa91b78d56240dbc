// SPDX-License-Identifier: BSD-2-Clause
//
// A server of gRPC whose messages are bytes:
//
//     node grpc.js NAME PORT
//
// It prints "ready", and ends when its standard input does.  Metadata says what
// else a call is to get: fail (a status), wait (milliseconds), size, count.

'use strict';

const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const { service } = require('./grpc_service');

const [name, port] = process.argv.slice(2);
const { KEY, CERT } = process.env;
const number = (call, what, otherwise) => Number(call.metadata.get(what)[0] || otherwise);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function failure(call) {
  const code = number(call, 'fail', 0);

  return code ? { code, details: `failure ${code} \u00e4`, metadata: trailers(call) } : null;
}

function trailers(call) {
  const out = new grpc.Metadata();

  out.set('x-name', name);
  for (const value of call.metadata.get('echo-bin')) out.add('echo-bin', value);
  return out;
}

function begin(call) {
  const out = new grpc.Metadata();

  out.set('x-te', String(call.metadata.get('te')[0] || ''));
  out.set('x-authority', call.getHost());
  call.sendMetadata(out);
}

const T = {
  async unary(call, callback) {
    const wait = number(call, 'wait', 0);
    const size = number(call, 'size', 0);

    if (wait) {
      call.on('cancelled', () => fs.appendFileSync(process.env.NOTES || '/dev/null', 'cancelled\n'));
      await pause(wait);
    }
    const failed = failure(call);
    if (failed) {
      callback(failed);
      return;
    }
    begin(call);
    callback(null, size ? Buffer.alloc(size, 'x') : call.request, trailers(call));
  },
  async server(call) {
    begin(call);
    for (let i = 0; i < number(call, 'count', 3); i++) {
      call.write(Buffer.from(`${i} ${call.request}`));
      await pause(number(call, 'wait', 0));
    }
    const failed = failure(call);
    if (failed) call.emit('error', failed);
    else call.end(trailers(call));
  },
  client(call, callback) {
    let sum = 0;

    call.on('data', (message) => { sum += message.length; });
    call.on('end', () => callback(failure(call), Buffer.from(String(sum)), trailers(call)));
  },
  both(call) {
    begin(call);
    call.on('error', () => {});
    call.on('cancelled', () => fs.appendFileSync(process.env.NOTES || '/dev/null', 'cancelled\n'));
    call.on('data', (message) => call.write(message));
    call.on('end', () => call.end(trailers(call)));
  },
};

const server = new grpc.Server({ 'grpc.max_receive_message_length': 16 << 20 });

server.addService(service, T);
server.bindAsync(`127.0.0.1:${port}`, KEY
  ? grpc.ServerCredentials.createSsl(null, [{
    private_key: fs.readFileSync(KEY), cert_chain: fs.readFileSync(CERT),
  }])
  : grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log('ready');
});
process.stdin.on('end', () => process.exit(0)).resume();
