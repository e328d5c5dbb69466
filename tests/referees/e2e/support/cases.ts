/** What a user does with a chat, and what has to come of it whatever goes wrong meanwhile. */

import { randomUUID } from 'node:crypto';

import type { Answer, Model } from '../../../../packages/client/tests/support/model.js';
import type { Via } from '../page/settings.js';
import type { ChatPage } from './chat_page.js';
import { expect, type Running } from './fixtures.js';
import { plan, type Trouble } from './plans.js';

export interface Given {
  open: (chatId?: string) => Promise<ChatPage>;
  model: Model;
  stack: Running;
  via: Via;
  trouble: Trouble;
}

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode ', 'unevenly.'];
const WHOLE = TOKENS.join('');
const HALF = 'Rivers meander because';

/** Apart, so that each is an event of its own. */
const PACE = { betweenMs: 30 };

export const CASES: readonly (readonly [name: string, check: (given: Given) => Promise<void>])[] = [
  ['an answer, and another that continues it', answers],
  ['reasoning', reasons],
  ['stop stops the model', stops],
  ['a reload in mid answer', reloads],
  ['another answer to the same question', regenerates],
  ['an edited question', edits],
  ['an answer that fails', fails],
  ['two tabs', twoTabs],
];

/** Has the model answer a prompt that is nobody else's, and things go wrong. */
async function begin(given: Given, answer: Answer): Promise<string> {
  const prompt = `Why do rivers meander? ${randomUUID()}`;
  given.model.answer(prompt, { ...PACE, ...answer });
  await given.stack.control.faults(plan(given.via, given.trouble, prompt));
  return prompt;
}

/** Each rule has fired. */
async function wentWrong({ stack }: Given): Promise<void> {
  for (const fired of await stack.control.fired()) expect(fired).toBeGreaterThan(0);
}

/** What the model was told each time that it was asked this, but for its instructions. */
function told(model: Model, prompt: string): string[][] {
  const conversations = model.asked(prompt);
  return conversations.map((messages) =>
    messages.filter(({ role }) => role !== 'system').map(({ content }) => content),
  );
}

async function answers(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await chat.is('ready');
  await wentWrong(given);

  const next = `And why? ${randomUUID()}`;
  model.answer(next, { ...PACE, tokens: ['Because.'] });
  await chat.send(next);
  await expect(chat.texts).toHaveText([WHOLE, 'Because.']);
  await chat.is('ready');
  // The model was asked once, and told what was said before.
  expect(told(model, next)).toEqual([[prompt, WHOLE, next]]);

  await chat.reload();
  await expect(chat.texts).toHaveText([WHOLE, 'Because.']);
}

async function reasons(given: Given): Promise<void> {
  const chat = await given.open();
  const prompt = await begin(given, { reasoning: ['Water ', 'flows.'], tokens: TOKENS });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await expect(chat.reasoning).toHaveText('Water flows.');
  await chat.is('ready');
  await wentWrong(given);
}

async function stops(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, holdAfter: 3 });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(HALF);
  await chat.press('Stop');
  await chat.is('ready');
  await expect.poll(() => model.dropped(prompt)).toBeGreaterThan(0);
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

async function regenerates(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await chat.is('ready');
  model.answer(prompt, { ...PACE, tokens: ['Because ', 'they ', 'can.'] });
  await chat.press('Regenerate');
  await expect(chat.texts).toHaveText('Because they can.');
  await chat.is('ready');
  await expect(chat.questions).toHaveCount(1);
  await wentWrong(given);
  // The newest branch.
  await chat.reload();
  await expect(chat.texts).toHaveText('Because they can.');
}

async function edits(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS });
  await chat.send(prompt);
  await expect(chat.texts).toHaveText(WHOLE);
  await chat.is('ready');
  const other = `Why do glaciers? ${randomUUID()}`;
  model.answer(other, { ...PACE, tokens: ['Glaciers ', 'do ', 'not.'] });
  await chat.edit(0, other);
  await expect(chat.texts).toHaveText('Glaciers do not.');
  await chat.is('ready');
  await expect(chat.questions).toHaveCount(1);
  expect(told(model, other)).toEqual([[other]]);
  await wentWrong(given);
  await chat.reload();
  await expect(chat.questions).toContainText(other);
}

async function fails(given: Given): Promise<void> {
  const { open, model } = given;
  const chat = await open();
  const prompt = await begin(given, { tokens: TOKENS, refuse: 400 });
  await chat.send(prompt);
  if (given.via === 'ai-websocket' && given.trouble === 'drops') {
    // The frame that told of it is lost, and the protocol has no words for how an answer ended that is over.
    await chat.is('ready');
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
