// The stack that serves the tests of function URLs and of the WebSocket API.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import WebSocket from 'ws';

import { Inbox } from './inbox.mjs';

if (!process.env.DELIVERIES) {
  throw new Error('There is no stack: run this file with `cargo test -p system-tests --test referees`.');
}

/** `region`, `functionUrl`, `webSocketUrl`, `callbackUrl`, `credentials`, `directory` */
export const stack = JSON.parse(process.env.DELIVERIES);

/** Lets a function go on that waits for this gate. */
export function openGate(name) {
  writeFileSync(join(stack.directory, name), '');
}

/** A socket that is open, with what it received. */
export async function connect(token = 'ada') {
  const socket = new WebSocket(`${stack.webSocketUrl}?token=${token}`);
  const texts = new Inbox();
  socket.on('message', (data, isBinary) => texts.push(isBinary ? data : data.toString()));
  const closed = new Promise((resolve) => socket.on('close', (code, reason) => resolve({ code, reason: `${reason}` })));
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return { socket, texts, closed };
}

/** The status and body with which a connect is refused. */
export function refusal(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('open', () => reject(new Error('it is connected')));
    socket.on('unexpected-response', async (_, response) => {
      const body = [];
      for await (const chunk of response) body.push(chunk);
      resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(body).toString()) });
    });
    socket.on('error', () => {});
  });
}

/** Sends an action and returns the first answer to it. */
export async function ask({ socket, texts }, action, more = {}) {
  const before = texts.items.length;
  socket.send(JSON.stringify({ action, ...more }));
  const text = await texts.until(`answer to ${action}`, (items) => items[before]);
  return JSON.parse(text);
}
