// engagement.js - a person with Debian's Chromium: reads a mail and follows its links, or unsubscribes with the keyboard alone.
// usage: node engagement.js read  MAIL_URL BEAT_URL SCREENSHOT   BEAT_URL is asked before each click: people take their time
//        node engagement.js look  SCREENSHOT_FOLDER LANGUAGES URL...   what axe has to say about pages, by language
//        node engagement.js leave URL WORDS SCREENSHOT           picks the choice that holds WORDS ("": none), and confirms
// Every host name is this machine.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const { chromium } = require("playwright-core");
const fs = require("node:fs");
const path = require("node:path");

const AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
const BROWSER = { executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--host-resolver-rules=MAP * 127.0.0.1"] };

const open = (browser, more) => browser.newContext({ userAgent: AGENT, ignoreHTTPSErrors: true, viewport: { width: 800, height: 700 }, ...more });

// Past the page's policy, which lets no script in: the debugger may.
async function axeOf(page) {
  await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const axe = await page.evaluate(() => window.axe.run({ resultTypes: ["violations", "incomplete"] }));
  const name = (rule) => `${rule.id}: ${rule.nodes.map((n) => n.html).join(" ")}`;
  return { passes: axe.passes.length, violations: axe.violations.map(name), unsure: axe.incomplete.map(name) };
}

async function read(browser, [mail, beat, screenshot]) {
  const context = await open(browser);
  const page = await context.newPage();
  const pictures = [], pending = [], landed = [];
  page.on("response", (r) => { if (r.request().resourceType() === "image") pending.push(r.body().then((b) => pictures.push({ url: r.url(), status: r.status(), bytes: b.length }))); });
  await page.goto(mail, { waitUntil: "networkidle" });
  await Promise.all(pending);
  const shown = await page.locator("img").evaluateAll((all) => all.filter((i) => i.complete && i.naturalWidth > 0).length);
  await page.screenshot({ path: screenshot });
  const links = page.locator("a[href^=http], area[href^=http], svg a");
  for (let i = 0; i < await links.count(); i++) {
    await context.request.get(beat);
    const [tab] = await Promise.all([context.waitForEvent("page"), links.nth(i).evaluate((a) => {
      a.setAttribute("target", "_blank");
      a.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, view: window }));
    })]);
    await tab.waitForURL(/./);
    await tab.waitForLoadState();
    landed.push({ id: await links.nth(i).getAttribute("id"), url: tab.url(), title: await tab.title(), referrer: await tab.evaluate(() => document.referrer) });
    await tab.close();
  }
  return { pictures, shown, landed };
}

async function look(browser, [folder, languages, ...urls]) {
  const said = {};
  for (const language of languages.split(",")) said[language] = await hear(browser, folder, language, urls);
  return said;
}

async function hear(browser, folder, language, urls) {
  const context = await open(browser, { locale: language });
  const found = [];
  for (const [i, url] of urls.entries()) {
    const page = await context.newPage();
    const answer = await page.goto(url);
    const axe = await axeOf(page), text = await page.innerText("body");
    await page.screenshot({ path: path.join(folder, `page-${language}-${i}.png`) });
    await page.setViewportSize({ width: 320, height: 500 }); // a small telephone, or four times as large letters (WCAG 1.4.10)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.screenshot({ path: path.join(folder, `page-${language}-${i}-narrow.png`) });
    found.push({ status: answer.status(), language: await page.getAttribute("html", "lang"), heading: await page.textContent("h1"),
      text, overflow, ...axe });
    await page.close();
  }
  return found;
}

const focused = (page) => page.evaluate(() => {
  const e = document.activeElement, style = getComputedStyle(e);
  return { tag: e.tagName, words: (e.closest("label") || e).innerText, checked: e.checked === true, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
});

async function leave(browser, [url, words, screenshot]) {
  const context = await open(browser);
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
  await page.goto(url);
  const question = await page.textContent("h1"), seen = [];
  await page.keyboard.press("Tab");
  for (let i = 0; words && i < 20 && !(await focused(page)).words.includes(words); i++) await page.keyboard.press("ArrowDown");
  for (let i = 0; i < 5; i++) {
    seen.push(await focused(page));
    if (seen.at(-1).tag === "BUTTON") break;
    await page.keyboard.press("Tab");
  }
  await page.screenshot({ path: screenshot });
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const text = await page.innerText("body");
  await page.screenshot({ path: screenshot.replace(".png", "-left.png") });
  return { question, seen, complaints, text, axe: await axeOf(page), heading: await page.textContent("h1"), cookies: await context.cookies(), url: page.url() };
}

async function main([what, ...rest]) {
  const browser = await chromium.launch(BROWSER);
  const said = await { read, look, leave }[what](browser, rest);
  await browser.close();
  console.log(JSON.stringify(said));
}
main(process.argv.slice(2)).catch((e) => { console.error(e); process.exit(1); });
