/** What a user does with a chat, and what has to come of it whatever goes wrong meanwhile. */

import { randomUUID } from 'node:crypto';

import type { Answer, Model } from '../../../../packages/client/tests/support/model.js';
import type { Via } from '../page/settings.js';
import type { ChatPage } from './chat_page.js';
import { expect, type Running } from './fixtures.js';
import { plan, type Trouble } from './plans.js';

/** What goes wrong with which answers. */
export interface Hindered {
  model: Model;
  stack: Running;
  via: Via;
  trouble: Trouble;
}

export interface Given extends Hindered {
  open: (chatId?: string) => Promise<ChatPage>;
}

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');
const HALF = 'Rivers meander because';

/** Apart, so that each is an event of its own. */
const PACE = { betweenMs: 30 };

/** So that a function has saved its progress before the answer ends. */
const SLOW = { betweenMs: 200 };

/** Behind the end of any lease, and of what hides a message meanwhile. */
const AFTER_A_LEASE_MS = 31_000;

type Check = (given: Given) => Promise<void>;

interface Case {
  name: string;
  check: Check;
  /** Whether it is tried with a function that is killed. */
  isKilled: boolean;
}

/** What is done in one page follows one another: to open a page takes longer than to use it. */
const CASES: readonly Case[] = [
  {
    name: 'an answer with reasoning, one that continues it, another one to it, and an edited question',
    check: talks,
    isKilled: true,
  },
  { name: 'stop stops the model', check: stops, isKilled: false },
  { name: 'a reload in mid answer', check: reloads, isKilled: true },
  { name: 'an answer that fails', check: fails, isKilled: false },
  { name: 'two tabs', check: twoTabs, isKilled: true },
];

export function casesUnder(trouble: Trouble): readonly Case[] {
  return CASES.filter(({ isKilled }) => isKilled || trouble !== 'kills');
}

/** Has the model answer a prompt that is nobody else's, and things go wrong with the next answer to it. */
async function begin(given: Given, answer: Answer): Promise<string> {
  const prompt = `Why do rivers meander? ${randomUUID()}`;
  await hinder(given, prompt, answer);
  return prompt;
}

/** Has the model answer a prompt so from now on, and things go wrong with the next answer to it. */
export async function hinder(given: Hindered, prompt: string, answer: Answer): Promise<void> {
  const { model, stack, trouble, via } = given;
  model.answer(prompt, { ...(trouble === 'kills' ? SLOW : PACE), ...answer });
  await stack.control.faults(plan(via, trouble, prompt));
}

/** Once whoever answers is killed, nobody waits until its lease ends. */
export async function takenOver(given: Hindered): Promise<void> {
  if (given.trouble !== 'kills') return;
  await expect.poll(() => given.stack.control.fired()).toEqual([1]);
  await given.stack.control.advance(AFTER_A_LEASE_MS);
}

/** Each rule has fired. */
export async function wentWrong({ stack }: Hindered): Promise<void> {
  for (const fired of await stack.control.fired()) expect(fired).toBeGreaterThan(0);
}

/** What the model was told each time that it was asked this, but for its instructions. */
function told(model: Model, prompt: string): string[][] {
  const conversations = model.asked(prompt);
  return conversations.map((messages) =>
    messages.filter(({ role }) => role !== 'system').map(({ content }) => content),
  );
}

async function talks(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { reasoning: ['Water ', 'flows.'], tokens: TOKENS });
  await chat.send(prompt);
  await takenOver(given);
  await expect(chat.texts).toHaveText(WHOLE);
  await expect(chat.reasoning).toHaveText('Water flows.');
  await chat.is('ready');
  await wentWrong(given);

  const next = `And why? ${randomUUID()}`;
  model.answer(next, { ...PACE, tokens: ['Because ', 'of ', 'it.'] });
  await chat.send(next);
  await expect(chat.texts).toHaveText([WHOLE, 'Because of it.']);
  await chat.is('ready');
  // The model was asked once, and told what was said before.
  expect(told(model, next)).toEqual([[prompt, WHOLE, next]]);

  await hinder(given, next, { tokens: ['Because ', 'they ', 'can.'] });
  await chat.press('Regenerate');
  await takenOver(given);
  await expect(chat.texts).toHaveText([WHOLE, 'Because they can.']);
  await chat.is('ready');
  await expect(chat.questions).toHaveCount(2);
  await wentWrong(given);

  const other = `Why do glaciers? ${randomUUID()}`;
  await hinder(given, other, { tokens: ['Glaciers ', 'do ', 'not.'] });
  await chat.edit(0, other);
  await takenOver(given);
  await expect(chat.texts).toHaveText('Glaciers do not.');
  await chat.is('ready');
  await expect(chat.questions).toHaveCount(1);
  await wentWrong(given);
  // What it took the place of isn't told any more, however often the model was asked.
  for (const asked of told(model, other)) expect(asked).toEqual([other]);

  // The newest branch.
  await chat.reload();
  await expect(chat.questions).toContainText(other);
  await expect(chat.texts).toHaveText('Glaciers do not.');
}

async function stops(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, holdAfter: 3 });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(HALF);
  // A model's stream that is cut is dropped, too.
  const before = model.dropped(prompt);
  await chat.press('Stop');
  await chat.is('ready');
  await expect.poll(() => model.dropped(prompt)).toBeGreaterThan(before);
  expect(model.finished(prompt)).toBe(0);
  await expect(chat.texts).toHaveText(HALF);
  await wentWrong(given);

  // What there was of it is a turn, and the next question continues it.
  const next = `Go on. ${randomUUID()}`;
  model.answer(next, { ...PACE, tokens: ['Then ', 'banks.'] });
  await chat.send(next);
  await expect(chat.texts).toHaveText([HALF, 'Then banks.']);
}

async function reloads(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, holdAfter: 3 });
  await chat.send(prompt);
  await takenOver(given);
  await expect(chat.texts).toHaveText(HALF);
  await chat.reload();
  await expect(chat.questions).toHaveCount(1);
  await expect(chat.texts).toHaveText(HALF);
  model.release(prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await chat.is('ready');
  await expect(chat.answers).toHaveCount(1);
  await wentWrong(given);
}

async function fails(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, refuse: 400 });
  await chat.send(prompt);
  await expect(chat.questions).toHaveCount(1);
  if (given.trouble === 'drops' && (given.via === 'ai-websocket' || given.via === 'http')) {
    // What told of it is lost (a response that is reset may be lost as a whole), and the protocol has no words for how an
    // answer ended that is over.
    await chat.is(/ready|error/);
    await expect(chat.texts).toHaveCount(0);
  } else {
    await chat.is('error');
    await expect(chat.alert).toHaveText(/./);
  }
  // The same message again, now that the model can.
  model.answer(prompt, { ...PACE, tokens: TOKENS });
  await chat.edit(0, prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await chat.is('ready');
  await expect(chat.alert).toBeEmpty();
  await wentWrong(given);
}

async function twoTabs(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, holdAfter: 3 });
  await chat.send(prompt);
  await takenOver(given);
  await expect(chat.texts).toHaveText(HALF);
  const other = await open(chat.chatId);
  await expect(other.texts).toHaveText(HALF);
  model.release(prompt);
  for (const tab of [chat, other]) {
    await expect(tab.texts).toHaveText(WHOLE);
    await tab.is('ready');
    await expect(tab.answers).toHaveCount(1);
  }
  await wentWrong(given);
  // A stop in one ends it in both.
  const next = `Go on. ${randomUUID()}`;
  model.answer(next, { ...PACE, tokens: TOKENS, holdAfter: 3 });
  await chat.send(next);
  await expect(chat.texts).toHaveText([WHOLE, HALF]);
  await other.reload();
  await expect(other.texts).toHaveText([WHOLE, HALF]);
  await other.press('Stop');
  await chat.is('ready');
  await expect.poll(() => model.dropped(next)).toBeGreaterThan(0);
}
