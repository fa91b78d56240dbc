// SPDX-License-Identifier: BSD-2-Clause
//
// A server of gRPC with the health service, whose messages are bytes:
//
//     STATE=file node grpc_health.js NAME PORT
//
// The file has, as JSON, how each service is: a number (ServingStatus), or
// "hang", "garbage", "error N", "empty".  A service that is not there is
// NOT_FOUND.  NOTES gets a line for each call: its authority and metadata.

'use strict';

const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [, port] = process.argv.slice(2);
const { KEY, CERT, STATE, NOTES, AGE } = process.env;
const same = (bytes) => bytes;
const service = {
  check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

function check(call, callback) {
  const name = call.request.length ? String(call.request.subarray(2)) : '';
  const how = JSON.parse(fs.readFileSync(STATE))[name];

  if (NOTES) {
    fs.appendFileSync(NOTES, `${call.getHost()} ${call.metadata.get('x-who')} `
      + `${call.request.toString('hex')} ${call.getPeer()}\n`);
  }
  if (how === undefined) callback({ code: grpc.status.NOT_FOUND, details: 'unknown' });
  else if (how === 'garbage') callback(null, Buffer.from([0x08]));
  else if (how === 'empty') callback(null, Buffer.alloc(0));
  else if (/^error/.test(how)) callback({ code: Number(how.split(' ')[1]), details: 'failed' });
  else if (how !== 'hang') callback(null, Buffer.from([0x12, 2, 0x68, 0x69, 0x08, how]));
}

const server = new grpc.Server(AGE ? { 'grpc.max_connection_age_ms': Number(AGE) } : {});

if (STATE) server.addService(service, { check });
server.bindAsync(`127.0.0.1:${port}`, KEY
  ? grpc.ServerCredentials.createSsl(null, [{
    private_key: fs.readFileSync(KEY), cert_chain: fs.readFileSync(CERT),
  }])
  : grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  console.log('ready');
});
process.stdin.on('end', () => process.exit(0)).resume();
