// submit.js - one message by nodemailer: the letter comes on stdin (tests/e2e/clients.py), what became of it goes to stdout.
// SPDX-License-Identifier: Apache-2.0
const fs = require('fs');
const nodemailer = require('nodemailer');

async function main() {
  const q = JSON.parse(fs.readFileSync(0));
  const transport = nodemailer.createTransport({
    host: q.host, port: q.port, secure: q.implicit, requireTLS: q.tls && !q.implicit, ignoreTLS: !q.tls,
    auth: { user: q.user, pass: q.password }, authMethod: q.mechanism,
    tls: { ca: fs.readFileSync(q.certificate) },
  });
  let raw = Buffer.alloc(0);
  transport.use('stream', (mail, done) => mail.message.build((error, bytes) => {
    raw = Buffer.from((bytes || '').toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1'); // as its SMTP side writes it
    done(error);
  }));
  const answer = { ok: true, said: '' };
  try {
    const info = await transport.sendMail({
      from: { name: 'Müller & Söhne', address: q.sender }, to: q.recipients.map((address) => ({ name: 'Žofie', address })), subject: q.subject,
      text: q.text, html: q.html, headers: { 'X-Order': '17' },
      attachments: Object.entries(q.files).map(([filename, hex]) => ({ filename, content: Buffer.from(hex, 'hex') })),
    });
    answer.said = info.response;
  } catch (error) {
    Object.assign(answer, { ok: false, said: `${error.message} ${error.response || ''}` });
  }
  transport.close();
  console.log(JSON.stringify({ ...answer, raw: raw.toString('hex') }));
}
main();
