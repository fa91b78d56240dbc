// SPDX-License-Identifier: BSD-2-Clause
//
// The public suite http-cache-tests, with its origin server on loopback:
//
//     node suite.mjs PORT URL [ID...]
//
// PORT is the origin's, URL the cache's before it.  Cases with these IDs run one
// after the other; without any, all that are required run together.  Prints a
// line for each: its id, a tab, and "pass" or what is wrong.

import http from 'http'
import fetch from 'node-fetch'

import { runTests, getResults } from 'http-cache-tests/client/runner.mjs'
import handleConfig from 'http-cache-tests/server/handle-config.mjs'
import handleState from 'http-cache-tests/server/handle-state.mjs'
import handleTest from 'http-cache-tests/server/handle-test.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'

const handlers = { config: handleConfig, state: handleState, test: handleTest }
const [port, url, ...ids] = process.argv.slice(2)

function isChosen (test) {
  if (ids.length > 0) return ids.includes(test.id)
  return (test.kind ?? 'required') === 'required' && !test.browser_only
}

const tests = [...suites, surrogate].flatMap(suite => suite.tests).filter(isChosen)

const server = http.createServer((request, response) => {
  const [, what, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/')
  if (handlers[what]) {
    handlers[what](rest, request, response)
  } else {
    response.writeHead(404).end()
  }
})

server.listen(port, '127.0.0.1', async () => {
  const say = console.log
  console.log = console.error // the suite's own remarks
  await runTests([{ tests }], fetch, false, url, ids.length > 0 ? 1 : tests.length)
  for (const [id, result] of Object.entries(getResults())) {
    say(`${id}\t${result === true ? 'pass' : result.join(': ')}`)
  }
  process.exit()
})
