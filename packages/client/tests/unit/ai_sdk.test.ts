/** Chats of the AI SDK over a client that a test directs: the SDK's own `AbstractChat`, and its own schema of chunks. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import * as ai7 from 'ai';
import type { ChatState, ChatTransport, UIMessage, UIMessageChunk } from 'ai';

import {
  conversationIdOf,
  messagesOf,
  sessionIdOf,
  TokencastChatTransport,
} from '../../src/ai-sdk/index.js';
import { knowsResetStep } from '../../src/ai-sdk/reset_step.js';
import type { TokencastClient } from '../../src/client.js';
import type { Conversations } from '../../src/conversations.js';
import { TokencastError } from '../../src/errors.js';
import type { AnswerEvent, Snapshot } from '../../src/types.js';

/** `AI_SDK=6` runs all of it with the major before. */
const major = process.env.AI_SDK === '6' ? 6 : 7;
const ai = major === 6 ? ((await import('ai6')) as unknown as typeof ai7) : ai7;

const OWNER = 'e0000000-0000-4000-8000-000000000009';
const CHAT = 'my chat';

/** Events that a test says of one session. */
class Answer {
  readonly steps: (AnswerEvent | TokencastError | 'end')[] = [];
  wake: () => void = () => undefined;
  isStopped = false;
  isLeft = false;
  readonly sessionId: string;

  constructor(sessionId: string) {
    this.sessionId = sessionId;
  }

  say(...steps: (AnswerEvent | TokencastError | 'end')[]): void {
    this.steps.push(...steps);
    this.wake();
  }

  async *events(): AsyncGenerator<AnswerEvent, void> {
    for (;;) {
      while (this.steps.length === 0) await new Promise<void>((wake) => (this.wake = wake));
      const step = this.steps.shift();
      if (step === undefined || step === 'end') return;
      if (step instanceof TokencastError) throw step;
      yield step;
    }
  }
}

interface Started {
  prompt: string;
  sessionId: string;
  conversationId: string;
  parentId: string;
}

let started: Started[];
let resumed: string[];
let answers: Map<string, Answer>;
let records: Map<string, Snapshot>;
let lastSessionId: string | null;
/** Or only once a test says so. */
let stopsAtOnce: boolean;

function open(sessionId: string, signal?: { addEventListener: AbortSignal['addEventListener'] }) {
  const answer = new Answer(sessionId);
  answers.set(sessionId, answer);
  signal?.addEventListener('abort', () => {
    answer.isStopped = true;
    if (stopsAtOnce) answer.say({ type: 'cancelled', stopReason: null, usage: null }, 'end');
  });
  return {
    sessionId,
    [Symbol.asyncIterator]: () => {
      const events = answer.events();
      return {
        next: () => events.next(),
        return: () => {
          answer.isLeft = true;
          answer.say('end');
          return Promise.resolve({ done: true as const, value: undefined });
        },
      };
    },
  };
}

const client = {
  streamPrompt: (prompt: string, options: Omit<Started, 'prompt'> & { signal: AbortSignal }) => {
    const { signal, sessionId, conversationId, parentId } = options;
    started.push({ prompt, sessionId, conversationId, parentId });
    return open(sessionId, signal);
  },
  resumeStream: (sessionId: string, { signal }: { signal: AbortSignal }) => {
    resumed.push(sessionId);
    return open(sessionId, signal);
  },
  getStream: (sessionId: string) => Promise.resolve(records.get(sessionId) ?? null),
  conversations: {
    owner: () => Promise.resolve(OWNER),
    get: () => Promise.resolve(lastSessionId === null ? null : { lastSessionId }),
  } as unknown as Conversations,
} as unknown as TokencastClient;

/** The SDK's chat, with its state in plain fields. */
class PlainState implements ChatState<UIMessage> {
  status: ChatState<UIMessage>['status'] = 'ready';
  error: Error | undefined;
  messages: UIMessage[] = [];
  pushMessage = (message: UIMessage): void => {
    this.messages = [...this.messages, message];
  };
  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages = this.messages.with(index, structuredClone(message));
  };
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

class PlainChat extends ai.AbstractChat<UIMessage> {
  constructor(transport: ChatTransport<UIMessage>, messages: UIMessage[] = []) {
    const state = new PlainState();
    state.messages = messages;
    super({ id: CHAT, transport, state });
  }
}

beforeEach(() => {
  started = [];
  resumed = [];
  answers = new Map();
  records = new Map();
  lastSessionId = null;
  stopsAtOnce = true;
});

let chat: PlainChat;
afterEach(async () => {
  for (const answer of answers.values()) answer.say('end');
  await chat.stop();
});

const make = (resetStep?: boolean, messages: UIMessage[] = []): PlainChat => {
  chat = new PlainChat(new TokencastChatTransport(client, { resetStep }), messages);
  return chat;
};

/** Until that is so: chats tell of nothing but by their state. */
async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; !is(); turn += 1) {
    if (turn > 10_000) throw new Error(`not so: ${is.toString()}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

async function running(index = 0): Promise<Answer> {
  await until(() => started.length > index);
  const answer = answers.get(started[index]?.sessionId ?? '');
  if (answer === undefined) throw new Error('nobody follows it');
  return answer;
}

const place = { attempt: 1, sequence: 1 };
const text = (piece: string, blockIndex = 0): AnswerEvent => ({
  type: 'text',
  text: piece,
  blockIndex,
  ...place,
});
const completed: AnswerEvent = { type: 'completed', stopReason: 'end_turn', usage: null };
const begun = (answer: Answer): AnswerEvent => ({ type: 'started', sessionId: answer.sessionId });

const partsOf = (message: UIMessage | undefined): unknown[] =>
  (message?.parts ?? []).filter(({ type }) => type !== 'step-start');
const textOf = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');

describe(`with ai ${major}`, () => {
  test('a question is a turn of the chat’s conversation, and its answer a message', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Why do rivers meander?' });
    const answer = await running();
    const [question] = chat.messages;
    expect(started).toEqual([
      {
        prompt: 'Why do rivers meander?',
        sessionId: sessionIdOf(OWNER, CHAT, question?.id ?? '', ['Why do rivers meander?']),
        conversationId: conversationIdOf(OWNER, CHAT),
        parentId: conversationIdOf(OWNER, CHAT),
      },
    ]);
    answer.say(begun(answer), { type: 'status', status: 'STREAMING' }, text('Because'));
    await until(() => textOf(chat.messages[1]) === 'Because');
    expect(chat.status).toBe('streaming');
    answer.say(text(' they can.'), completed, 'end');
    await sent;
    expect(chat.status).toBe('ready');
    expect(chat.messages[1]).toMatchObject({ id: answer.sessionId, role: 'assistant' });
    expect(partsOf(chat.messages[1])).toMatchObject([
      { type: 'text', text: 'Because they can.', state: 'done' },
    ]);
  });

  test('the next question continues the answer before it, and another answer is a version', async () => {
    make();
    const first = chat.sendMessage({ text: 'one' });
    const answer = await running();
    answer.say(begun(answer), text('1'), completed, 'end');
    await first;
    const second = chat.sendMessage({ text: 'two' });
    const next = await running(1);
    next.say(begun(next), text('2'), completed, 'end');
    await second;
    expect(started[1]).toMatchObject({ prompt: 'two', parentId: answer.sessionId });
    const again = chat.regenerate();
    const other = await running(2);
    other.say(begun(other), text('II'), completed, 'end');
    await again;
    expect(started[2]).toMatchObject({ prompt: 'two', parentId: answer.sessionId });
    expect(other.sessionId).not.toBe(next.sessionId);
    expect(chat.messages.map(textOf)).toEqual(['one', '1', 'two', 'II']);
    // An edit: other words under the same id.
    const edit = chat.sendMessage({ text: 'deux', messageId: chat.messages[2]?.id ?? '' });
    const edited = await running(3);
    edited.say(begun(edited), text('2'), completed, 'end');
    await edit;
    expect(started[3]).toMatchObject({ prompt: 'deux', parentId: answer.sessionId });
    expect(edited.sessionId).not.toBe(next.sessionId);
  });

  test('all blocks are parts', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Look it up' });
    const answer = await running();
    const use = { toolUseId: 't1', name: 'search' };
    answer.say(
      begun(answer),
      { type: 'reasoning', text: 'Let me ', blockIndex: 0, ...place },
      { type: 'reasoning', text: 'think', blockIndex: 0, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '' }, blockIndex: 1, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '{"q":' }, blockIndex: 1, ...place },
      { type: 'toolUse', toolUse: { ...use, input: '"x"}' }, blockIndex: 1, ...place },
      {
        type: 'toolResult',
        toolResult: { toolUseId: 't1', status: 'success', content: 'found' },
        blockIndex: 2,
        ...place,
      },
      text('It says', 3),
      {
        type: 'citation',
        citation: { title: 'T', url: 'https://a.example/' },
        blockIndex: 4,
        ...place,
      },
      { type: 'citation', citation: { url: 'javascript:alert(1)' }, blockIndex: 5, ...place },
      text(' so.', 6),
      { ...completed, stopReason: 'max_tokens' },
      'end',
    );
    await sent;
    expect(partsOf(chat.messages[1])).toMatchObject([
      { type: 'reasoning', text: 'Let me think', state: 'done' },
      {
        type: 'dynamic-tool',
        toolName: 'search',
        state: 'output-available',
        input: { q: 'x' },
        output: 'found',
      },
      { type: 'text', text: 'It says', state: 'done' },
      { type: 'source-url', url: 'https://a.example/', title: 'T' },
      { type: 'source-document', title: 'javascript:alert(1)' },
      { type: 'text', text: ' so.', state: 'done' },
    ]);
  });

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
    stopsAtOnce = false;
    const sent = chat.sendMessage({ text: 'Count' });
    const answer = await running();
    answer.say(begun(answer), text('1 2'));
    await until(() => textOf(chat.messages[1]) === '1 2');
    await chat.stop();
    await sent;
    const next = chat.sendMessage({ text: 'Go on' });
    await until(() => chat.status === 'submitted');
    expect(started).toHaveLength(1);
    answer.say({ type: 'cancelled', stopReason: null, usage: null }, 'end');
    const other = await running(1);
    expect(started[1]).toMatchObject({ parentId: answer.sessionId });
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
    // What went well is the answer, however often it is sent.
    const third = chat.sendMessage({ text: 'Count!', messageId });
    const well = await running(2);
    well.say(begun(well), text('!'), completed, 'end');
    await third;
    const fourth = chat.sendMessage({ text: 'Count!', messageId });
    const same = await running(3);
    same.say(begun(same), text('!'), completed, 'end');
    await fourth;
    expect(same.sessionId).toBe(well.sessionId);
  });

  test('a chat that knows nothing of replays never shows a text twice', async () => {
    const transport = new TokencastChatTransport(client, { resetStep: false });
    // As the hook of `ai` 6 hands it on.
    chat = new PlainChat({
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
    await until(() => resumed.length === 2);
    answers.get(answer.sessionId)?.say(begun(answer), text('one two'), completed, 'end');
    await resume;
    expect([chat.status, chat.messages.map(textOf)]).toEqual(['ready', ['Count', 'one two']]);
  });

  test('a refusal is an error', async () => {
    make();
    const sent = chat.sendMessage({ text: 'Count' });
    (await running()).say(new TokencastError('refused', 'too long'));
    await sent;
    expect([chat.status, chat.error?.message]).toEqual(['error', 'too long']);
  });

  test('what is no text is refused, and nothing is started', async () => {
    make();
    const file = { type: 'file' as const, mediaType: 'image/png', url: 'data:,' };
    await chat.sendMessage({ files: [file], text: 'What is it?' });
    expect(chat.status).toBe('error');
    expect(chat.error?.message).toContain('`file`');
    expect(started).toEqual([]);
  });

  test('a newer attempt starts the message again', async () => {
    make(major === 7 ? undefined : false);
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
      await until(() => resumed.length === 1);
      const replay = answers.get(answer.sessionId);
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
    await until(() => resumed.length === 1);
    answers.get(answer.sessionId)?.say(begun(answer), text('1'), text(' 2'), completed, 'end');
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
    lastSessionId = sessionId;
    records.set(sessionId, { status: 'STREAMING', text: '1', sequence: 1, attempt: 1 });
    make(undefined, [question, partial]);
    // As an effect that runs twice does.
    const first = chat.resumeStream();
    await until(() => resumed.length === 1);
    const left = answers.get(sessionId);
    const second = chat.resumeStream();
    await until(() => resumed.length === 2);
    await first;
    const answer = answers.get(sessionId);
    answer?.say({ type: 'started', sessionId }, text('1 2'), completed, 'end');
    await second;
    expect(chat.messages.map(textOf)).toEqual(['Count', '1 2']);
    expect([left?.isStopped, left?.isLeft]).toEqual([false, true]);
  });

  test('where nothing runs there is nothing to resume', async () => {
    make();
    await chat.resumeStream();
    expect(chat.status).toBe('ready');
    lastSessionId = 's';
    records.set('s', { status: 'COMPLETED', text: '1', sequence: 2, attempt: 1 });
    await chat.resumeStream();
    expect([chat.status, resumed]).toEqual(['ready', []]);
  });

  test('every chunk is one of the SDK’s', async () => {
    const transport = new TokencastChatTransport(client, { resetStep: false });
    make();
    const parts = [{ type: 'text' as const, text: 'Why?' }];
    const stream = await transport.sendMessages({
      trigger: 'submit-message',
      chatId: CHAT,
      messageId: undefined,
      messages: [{ id: 'q', role: 'user', parts }],
      abortSignal: undefined,
    });
    const answer = await running();
    const use = { toolUseId: 't', name: 'n' };
    answer.say(
      begun(answer),
      { type: 'reasoning', text: '', blockIndex: 0, ...place },
      text('a', 1),
      { type: 'citation', citation: { text: 'c' }, blockIndex: 2, ...place },
      { type: 'toolUse', toolUse: { ...use, input: 'no JSON' }, blockIndex: 3, ...place },
      {
        type: 'toolResult',
        toolResult: { toolUseId: 't', status: 'error' },
        blockIndex: 4,
        ...place,
      },
      completed,
      'end',
    );
    const schema = (ai.uiMessageChunkSchema as () => Schema)();
    const types: string[] = [];
    for await (const chunk of stream) {
      types.push(chunk.type);
      expect(await schema.validate?.(chunk)).toMatchObject({ success: true, value: chunk });
    }
    expect(types).toEqual([
      'start',
      'start-step',
      'reasoning-start',
      'reasoning-end',
      'text-start',
      'text-delta',
      'text-end',
      'source-document',
      'tool-input-start',
      'tool-input-delta',
      'tool-input-error',
      'tool-output-error',
      'finish-step',
      'finish',
    ]);
  });

  test('whether it knows `reset-step` is found out', async () => {
    make();
    expect(await knowsResetStep(() => Promise.resolve(ai))).toBe(major === 7);
    expect(await knowsResetStep(() => Promise.reject(new Error('not installed')))).toBe(false);
  });
});

interface Schema {
  validate?: (value: UIMessageChunk) => PromiseLike<object>;
}

test('a conversation is messages: the branch of its newest turn', () => {
  make();
  const turn = (sessionId: string, parentId: string | null, stream: Snapshot | null) => ({
    sessionId,
    parentId,
    prompt: `question ${sessionId}`,
    stream,
    createdAt: '',
  });
  const done = (answer: string): Snapshot => ({
    status: 'COMPLETED',
    text: answer,
    blocks: [
      { index: 0, type: 'REASONING', reasoning: 'hm' },
      { index: 1, type: 'TEXT', text: answer },
    ],
    sequence: 3,
    attempt: 1,
  });
  const messages = messagesOf({
    conversationId: 'c',
    title: '',
    lastSessionId: 'd',
    turnCount: 4,
    createdAt: '',
    updatedAt: '',
    nextToken: null,
    turns: [
      turn('a', null, done('A')),
      turn('b', 'a', done('B')),
      turn('c', 'a', done('C')),
      turn('d', 'c', { ...done('D'), status: 'STREAMING' }),
    ],
  });
  expect(messages.map(({ id, role }) => `${role} ${id}`)).toEqual([
    'user question-a',
    'assistant a',
    'user question-c',
    'assistant c',
    'user question-d',
  ]);
  expect(messages.map(textOf)).toEqual(['question a', 'A', 'question c', 'C', 'question d']);
});

test('ids are the same wherever they are made', () => {
  make();
  expect(conversationIdOf('o', 'c')).toBe(conversationIdOf('o', 'c'));
  expect(conversationIdOf('o', 'c')).not.toBe(conversationIdOf('oc', ''));
  expect(sessionIdOf('o', 'c', 'm', ['a', 'b'])).not.toBe(sessionIdOf('o', 'c', 'm', ['ab']));
  // Fixed, lest a later version takes another conversation for the same chat.
  expect(conversationIdOf(OWNER, CHAT)).toBe('2d850475-c0e9-5a33-9e34-068aa64afa61');
  expect(sessionIdOf(OWNER, CHAT, 'm', ['Why?'])).toBe('ad9cc131-1af3-5e4b-ba42-74e823846647');
});
