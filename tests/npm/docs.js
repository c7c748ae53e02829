// docs.js - opens /docs in Debian's Chromium, tries an operation out there, and tells what the page asked for and complained about.
// usage: node docs.js BASE_URL SENDER_KEY SCREENSHOT
// SPDX-License-Identifier: Apache-2.0
"use strict";
const { chromium } = require("playwright-core");

async function tryOut(page, key) {
  await page.click(".btn.authorize");
  await page.fill("#auth-bearer-value, input[aria-label='auth-bearer-value']", key);
  await page.click(".auth-btn-wrapper .authorize");
  await page.click(".auth-btn-wrapper .btn-done");
  await page.click("[id$='-GetEvents'] .opblock-summary-control");
  await page.click("[id$='-GetEvents'] .execute");
  await page.waitForSelector("[id$='-GetEvents'] .live-responses-table tbody .response-col_status");
  return (await page.textContent("[id$='-GetEvents'] .live-responses-table tbody .response-col_status")).trim().slice(0, 3);
}

async function main([base, key, screenshot]) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
  const complaints = [], requests = [];
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => requests.push(r.url()));
  await page.goto(`${base}/docs`);
  await page.locator(".opblock").nth(10).waitFor(); // the rest is drawn where one scrolls to
  const operations = await page.locator(".opblock").count();
  const status = await tryOut(page, key);
  await page.screenshot({ path: screenshot });
  await browser.close();
  console.log(JSON.stringify({ operations, status, complaints, requests }));
}
main(process.argv.slice(2)).catch((e) => { console.error(e); process.exit(1); });
