// SPDX-License-Identifier: BSD-2-Clause
//
// The service that grpc.js serves and grpc_client.js calls.

'use strict';

const same = (bytes) => bytes;
const method = (name, requestStream, responseStream) => ({
  path: `/t.T/${name}`,
  requestStream,
  responseStream,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

exports.service = {
  unary: method('Unary', false, false),
  server: method('Server', false, true),
  client: method('Client', true, false),
  both: method('Both', true, true),
};
