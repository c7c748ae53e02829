// webhooks.js - what the official library of Standard Webhooks says of calls: a list of {key, headers, body (hex)} comes on stdin,
// of each "" or why it does not verify goes to stdout (tests/e2e/test_webhook_care.py).
// SPDX-License-Identifier: Apache-2.0
const { Webhook } = require('standardwebhooks');

const calls = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(calls.map(({ key, headers, body }) => {
  try {
    new Webhook(key).verify(Buffer.from(body, 'hex').toString('utf8'), headers);
    return '';
  } catch (error) {
    return error.message || 'not verified';
  }
})));
