// html_trees.js - what a real parser makes of tests/html, before and after the edits of the .edits files: the same tree, but for the
// values that were replaced and one image. The unit tests hold our edits to those files, so this holds them to the HTML standard.
// usage: node html_trees.js FOLDER        prints {"fixtures": n, "complaints": [...]}
//
// A tree is {name, attrs: {name: value}, text, children}. Bytes are read as Latin-1, so that offsets count bytes.
// SPDX-License-Identifier: Apache-2.0
"use strict";
const PIXEL = "https://t.example/o";

function readEdits(text) {
  const letters = { t: "\t", n: "\n", r: "\r", "\\": "\\" };
  const plain = (s) => s.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex, c) => (hex ? String.fromCharCode(parseInt(hex, 16)) : letters[c]));
  return text.split("\n").filter(Boolean).map((line) => {
    const [offset, before, after, url] = line.split("\t");
    return { offset: Number(offset), before: plain(before), after: plain(after), url: plain(url) };
  });
}

function apply(html, edits) {
  let out = "", at = 0;
  for (const { offset, before, after } of edits) {
    if (html.slice(offset, offset + before.length) !== before) throw new Error(`offset ${offset} does not hold ${before}`);
    out += html.slice(at, offset) + after;
    at = offset + before.length;
  }
  return out + html.slice(at);
}

// The tree without the image, and without what stands there for its sake alone: formatting elements that a parser opens again.
// Returns how many images there were.
function takePixel(tree) {
  let count = 0;
  tree.children = tree.children.filter((child) => {
    if (child.name === "img" && child.attrs.src === PIXEL) return !++count;
    const inside = takePixel(child);
    count += inside;
    return inside === 0 || child.children.length > 0 || ["html", "head", "body"].includes(child.name);
  });
  return count;
}

// Neighbouring texts are one, without blanks at their ends: where those go depends on what a parser saw in front of them.
function mergeTexts(tree) {
  const merged = [];
  for (const child of tree.children) {
    const last = merged[merged.length - 1];
    if (child.name === "#text" && last && last.name === "#text") last.text += child.text;
    else merged.push(child);
    mergeTexts(child);
  }
  for (const child of merged) if (child.name === "#text") child.text = child.text.trimEnd();
  tree.children = merged.filter((child) => child.name !== "#text" || child.text);
}

function leadsTo(value, base, url) {
  if (/[^\0-\x7f]/.test(value)) return true; // Latin-1 is not what it was written in
  return new URL(value, base).href === new URL(url).href;
}

function compare(before, after, state, path) {
  const complain = (what) => state.complaints.push(`${path}: ${what}`);
  if (before.name !== after.name) return complain(`${before.name} became ${after.name}`);
  if (before.text !== after.text) {
    let text = after.text;
    for (const edit of state.edits)
      if (edit.url && text.includes(edit.after) && !edit.isFound) {
        text = text.replace(edit.after, () => edit.before.replace(/\r\n?/g, "\n"));
        edit.isFound = true;
      }
    if (before.name !== "#comment" || text !== before.text) complain(`text ${JSON.stringify(before.text)} became ${JSON.stringify(after.text)}`);
  }
  if (Object.keys(before.attrs).join() !== Object.keys(after.attrs).join()) complain(`attributes became ${Object.keys(after.attrs)}`);
  for (const [name, value] of Object.entries(before.attrs)) {
    if (after.attrs[name] === value) continue;
    const index = /^https:\/\/t\.example\/c\/(\d+)/.exec(after.attrs[name] || "");
    const edit = index && state.edits.filter((e) => e.url)[index[1]];
    if (!edit) complain(`${name} became ${after.attrs[name]}`);
    else if (!leadsTo(value, state.base, edit.url)) complain(`${value} does not lead to ${edit.url}`);
    if (edit) edit.isFound = true;
  }
  if (before.children.length !== after.children.length)
    return complain(`has ${after.children.length} children (${after.children.map((c) => c.name)}), not ${before.children.length} (${before.children.map((c) => c.name)})`);
  before.children.forEach((child, i) => compare(child, after.children[i], state, `${path}/${child.name}`));
}

function findBase(tree) {
  if (tree.name === "base" && "href" in tree.attrs) return tree.attrs.href;
  for (const child of tree.children) {
    const found = findBase(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

// Complaints about one fixture; `parse` makes a tree of a string.
function check(name, html, edits, parse) {
  const before = parse(html), after = parse(apply(html, edits)), complaints = [];
  const pixels = takePixel(after);
  if (pixels !== 1) complaints.push(`${name}: ${pixels} images`);
  mergeTexts(before);
  mergeTexts(after);
  const base = findBase(before);
  compare(before, after, { edits, complaints, base: base && URL.canParse(base) ? base : undefined }, name);
  for (const edit of edits) if (edit.url && !edit.isFound) complaints.push(`${name}: the edit at ${edit.offset} is in no attribute and no comment`);
  return complaints;
}

// A tree of parse5's.
function plain(node) {
  const attrs = {};
  for (const { prefix, name, value } of node.attrs || []) attrs[prefix ? `${prefix}:${name}` : name] = value;
  const children = (node.content || node).childNodes || [];
  return { name: node.nodeName, attrs, text: node.value ?? node.data ?? "", children: children.map(plain) };
}

function main([folder]) {
  const fs = require("fs"), path = require("path"), { parse } = require("parse5");
  const names = fs.readdirSync(folder).filter((name) => name.endsWith(".html"));
  const complaints = names.flatMap((name) => {
    const read = (suffix) => fs.readFileSync(path.join(folder, name.replace(/\.html$/, suffix)), "latin1");
    return check(name, read(".html"), readEdits(read(".edits")), (html) => plain(parse(html, { scriptingEnabled: false })));
  });
  console.log(JSON.stringify({ fixtures: names.length, complaints }));
}
if (typeof module !== "undefined" && require.main === module) main(process.argv.slice(2));
