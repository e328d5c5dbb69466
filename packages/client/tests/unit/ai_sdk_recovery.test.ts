/** Chats of the AI SDK whose answers are stopped, fail, start again or lose their connection. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { UIMessage } from 'ai';

import { sessionIdOf, TokencastChatTransport } from '../../src/ai-sdk/index.js';
import { TokencastError } from '../../src/errors.js';
import {
  begun,
  chat,
  CHAT,
  client,
  completed,
  directed,
  leave,
  major,
  make,
  OWNER,
  reset,
  running,
  text,
  textOf,
  until,
} from '../support/chats.js';

beforeEach(reset);
afterEach(leave);

describe(`with ai ${major}`, () => {
  test('stop stops the model', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1 2'));
    await until(() => textOf(chat.messages[1]) === '1 2');
    await chat.stop();
    await sent;
    expect([answer.isStopped, answer.isLeft]).toEqual([true, false]);
    expect([chat.status, textOf(chat.messages[1])]).toEqual(['ready', '1 2']);
  });

  test('a question behind an answer that is being stopped waits for its end', async () => {
    make();
    directed.stopsAtOnce = false;
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1 2'));
    await until(() => textOf(chat.messages[1]) === '1 2');
    await chat.stop();
    await sent;
    const next = chat.sendMessage({ text: 'Go on' });
    await until(() => chat.status === 'submitted');
    expect(directed.started).toHaveLength(1);
    answer.say({ type: 'cancelled', stopReason: null, usage: null }, 'end');
    const other = await running(1);
    expect(directed.started[1]).toMatchObject({ parentId: answer.sessionId });
    other.say(begun(other), text('3'), completed, 'end');
    await next;
  });

  test('an answer that is stopped elsewhere ends, and what fails is an error', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(
      begun(answer),
      text('1'),
      { type: 'cancelled', stopReason: null, usage: null },
      'end',
    );
    await sent;
    expect([chat.status, textOf(chat.messages[1])]).toEqual(['ready', '1']);
    const other = chat.sendMessage({ text: 'Again' });
    const failing = await running(1);
    const failure = { code: 'MODEL_ERROR', message: 'The model failed.', retryable: true };
    failing.say(begun(failing), { type: 'failed', usage: null, ...failure }, 'end');
    await other;
    expect([chat.status, chat.error?.message]).toEqual(['error', 'The model failed.']);
  });

  test.each([
    { type: 'failed', code: 'MODEL_ERROR', message: 'no', retryable: true, usage: null } as const,
    { type: 'cancelled', stopReason: null, usage: null } as const,
  ])('the same message again is another turn once its answer has $type', async (ending) => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1'), ending, 'end');
    await sent;
    const messageId = chat.messages[0]?.id ?? '';
    const again = chat.sendMessage({ text: 'Count', messageId });
    const other = await running(1);
    expect(other.sessionId).not.toBe(answer.sessionId);
    other.say(begun(other), text('1 2'), completed, 'end');
    await again;
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Count', '1 2']]);
    // Whoever sends it once more gets the same answer.
    const repeated = chat.sendMessage({ text: 'Count', messageId });
    const once = await running(2);
    expect(once.sessionId).toBe(other.sessionId);
    once.say(begun(once), text('1 2'), completed, 'end');
    await repeated;
    // What went well is the answer, however often it is sent.
    const third = chat.sendMessage({ text: 'Count!', messageId });
    const well = await running(3);
    well.say(begun(well), text('!'), completed, 'end');
    await third;
    const fourth = chat.sendMessage({ text: 'Count!', messageId });
    const same = await running(4);
    same.say(begun(same), text('!'), completed, 'end');
    await fourth;
    expect(same.sessionId).toBe(well.sessionId);
  });

  test('a chat that knows nothing of replays never shows a text twice', async () => {
    const transport = new TokencastChatTransport(client, { resetStep: false });
    // As the hook of `ai` 6 hands it on.
    make({
      sendMessages: (options) => transport.sendMessages(options),
      reconnectToStream: (options) => transport.reconnectToStream(options),
    });
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1 2'));
    await until(() => textOf(chat.messages[1]) === '1 2');
    answer.say({ type: 'restarted', attempt: 2 });
    await sent;
    expect([chat.status, textOf(chat.messages[1])]).toEqual(['error', '1 2']);
    await chat.resumeStream();
    expect([chat.status, chat.error?.name]).toEqual(['error', 'ResumeAgainError']);
    expect(textOf(chat.messages[1])).toBe('1 2');
    const resume = chat.resumeStream();
    await until(() => directed.resumed.length === 2);
    directed.answers.get(answer.sessionId)?.say(begun(answer), text('one two'), completed, 'end');
    await resume;
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Count', 'one two']]);
  });

  test('a newer attempt starts the message again', async () => {
    make(new TokencastChatTransport(client, { resetStep: major === 7 ? undefined : false }));
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1 2'));
    await until(() => textOf(chat.messages[1]) === '1 2');
    answer.say({ type: 'restarted', attempt: 2 });
    if (major === 7) {
      answer.say(text('one two'), completed, 'end');
      await sent;
    } else {
      // This one can't take back what it shows, but with a replay.
      await sent;
      expect([chat.status, textOf(chat.messages[1])]).toEqual(['error', '1 2']);
      const resume = chat.resumeStream();
      await until(() => directed.resumed.length === 1);
      const replay = directed.answers.get(answer.sessionId);
      replay?.say(begun(answer), text('one two'), completed, 'end');
      await resume;
    }
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Count', 'one two']]);
  });

  test('after a lost connection, the chat resumes, even if the answer is over by then', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1'), new TokencastError('gaveUp', 'no way'));
    await sent;
    expect([chat.status, chat.error?.name]).toEqual(['error', 'TypeError']);
    const resume = chat.resumeStream();
    await until(() => directed.resumed.length === 1);
    directed.answers
      .get(answer.sessionId)
      ?.say(begun(answer), text('1'), text(' 2'), completed, 'end');
    await resume;
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Count', '1 2']]);
  });

  test('a page that is reloaded finds the answer that runs, once', async () => {
    const sessionId = sessionIdOf(OWNER, CHAT, 'q', ['Count']);
    const question: UIMessage = { id: 'q', role: 'user', parts: [{ type: 'text', text: 'Count' }] };
    const partial: UIMessage = {
      id: sessionId,
      role: 'assistant',
      parts: [{ type: 'text', text: '1' }],
    };
    directed.lastSessionId = sessionId;
    directed.records.set(sessionId, { status: 'STREAMING', text: '1', sequence: 1, attempt: 1 });
    make(undefined, [question, partial]);
    // As an effect that runs twice does.
    const first = chat.resumeStream();
    await until(() => directed.resumed.length === 1);
    const left = directed.answers.get(sessionId);
    const second = chat.resumeStream();
    await until(() => directed.resumed.length === 2);
    await first;
    const answer = directed.answers.get(sessionId);
    answer?.say({ type: 'started', sessionId }, text('1 2'), completed, 'end');
    await second;
    expect(chat.messages.map(textOf)).toEqual(['Count', '1 2']);
    expect([left?.isStopped, left?.isLeft]).toEqual([false, true]);
  });

  test('where nothing runs there is nothing to resume', async () => {
    make();
    await chat.resumeStream();
    expect(chat.status).toBe('ready');
    directed.lastSessionId = 's';
    directed.records.set('s', { status: 'COMPLETED', text: '1', sequence: 2, attempt: 1 });
    await chat.resumeStream();
    expect([chat.status, directed.resumed]).toEqual(['ready', []]);
  });
});
