/**
 * A model that says what a test wants, when it wants: a small server with OpenAI's chat completions, for
 * `tokencast dev --model openai:URL#NAME`.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  tokens: string[];
  /** Before the text. */
  reasoning?: string[];
  /** Before the first token. */
  firstTokenMs?: number;
  /** Between two tokens. */
  betweenMs?: number;
  /** Says no more than so many tokens until `release` is called. */
  holdAfter?: number;
  /** Refuses with this HTTP status instead of answering. */
  refuse?: number;
}

/** What the model was asked with, oldest first. */
export type Asked = { role: string; content: string }[];

export interface Model {
  /** For `--model`. */
  spec: string;
  /** How prompts that contain `part` are answered from now on. The latest rule that fits wins. */
  answer(part: string, answer: Answer): void;
  /** Lets answers to prompts with `part` go on beyond `holdAfter`. */
  release(part: string): void;
  /** How many answers to prompts with `part` were cut off by the caller. */
  dropped(part: string): number;
  /** How many answers to prompts with `part` were said to their end. */
  finished(part: string): number;
  /** The messages of each request whose last one contains `part`. */
  asked(part: string): Asked[];
  /** From the request to the first token, of the last answer: the model's own part of the wait. */
  lastFirstTokenMs(): number;
  close(): Promise<void>;
}

interface Rule extends Answer {
  part: string;
  finished: number;
  firstTokenTook: number;
  dropped: number;
  released: Promise<void>;
  release(): void;
}

export async function startModel(): Promise<Model> {
  const rules: Rule[] = [];
  const all: Asked[] = [];
  const find = (prompt: string): Rule | undefined =>
    rules.findLast((rule) => prompt.includes(rule.part));
  const server = createServer((request, response) => {
    void answer(request, response, all, find);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    spec: `openai:http://127.0.0.1:${port}/v1#test`,
    answer(part, how) {
      const { promise, resolve } = deferred();
      const counts = { dropped: 0, finished: 0, firstTokenTook: 0 };
      rules.push({ ...how, ...counts, part, released: promise, release: resolve });
    },
    release(part) {
      for (const rule of rules) if (rule.part === part) rule.release();
    },
    dropped: (part) =>
      rules.reduce((sum, rule) => sum + (rule.part === part ? rule.dropped : 0), 0),
    finished: (part) =>
      rules.reduce((sum, rule) => sum + (rule.part === part ? rule.finished : 0), 0),
    asked: (part) => all.filter((messages) => messages.at(-1)?.content.includes(part)),
    lastFirstTokenMs: () => rules.at(-1)?.firstTokenTook ?? 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  all: Asked[],
  find: (prompt: string) => Rule | undefined,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: Asked };
  all.push(messages);
  const prompt = messages.at(-1)?.content ?? '';
  const rule = find(prompt);
  if (!rule || rule.refuse !== undefined) {
    response.writeHead(rule?.refuse ?? 500).end();
    return;
  }
  response.on('close', () => {
    if (!response.writableFinished) rule.dropped += 1;
  });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  await speak(rule, response, performance.now());
}

async function speak(rule: Rule, response: ServerResponse, askedAt: number): Promise<void> {
  const { tokens, reasoning = [], firstTokenMs = 0, betweenMs = 0, holdAfter = Infinity } = rule;
  await pause(firstTokenMs);
  for (const reasoning_content of reasoning) {
    say(response, { choices: [{ index: 0, delta: { reasoning_content }, finish_reason: null }] });
  }
  for (const [index, content] of tokens.entries()) {
    if (index === holdAfter) await rule.released;
    if (response.destroyed) return;
    if (index === 0) rule.firstTokenTook = performance.now() - askedAt;
    say(response, { choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    await pause(betweenMs);
  }
  say(response, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  const usage = { prompt_tokens: 7, completion_tokens: tokens.length };
  say(response, { choices: [], usage });
  response.end('data: [DONE]\n\n');
  rule.finished += 1;
}

function say(response: ServerResponse, chunk: object): void {
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
