// send.ts - sends a mail through the client that oazapfts generated from /openapi.json, and reads its events with it.
// usage: node send.js BASE_URL SENDER_KEY
// SPDX-License-Identifier: Apache-2.0
import { defaults, getEvents, sendEmail } from "./client";

const [, , base, key] = process.argv;
defaults.baseUrl = base;
defaults.headers = { Authorization: `Bearer ${key}` };

async function main() {
  const sent = await sendEmail({
    From: { email: "news@shop.test", name: "Shop" },
    To: [{ email: "reader@example.org", name: "Reader" }],
    Subject: "By a generated client",
    ContentType: "plain",
    PlainContent: "Hello\n",
  });
  const events = await getEvents({ retrieveCount: 10 });
  console.log(JSON.stringify({ sent, events }));
}
main();
