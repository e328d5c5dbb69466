/** Chats of the AI SDK over a client that a test directs: the SDK's own `AbstractChat`, with its state in plain fields. */

import * as ai7 from 'ai';
import type { ChatState, ChatTransport, UIMessage } from 'ai';

import { TokencastChatTransport } from '../../src/ai-sdk/index.js';
import type { TokencastClient } from '../../src/client.js';
import type { Turn } from '../../src/conversation.js';
import type { Conversations } from '../../src/conversations.js';
import { TokencastError } from '../../src/errors.js';
import type { AnswerEvent, Snapshot } from '../../src/types.js';

/** `AI_SDK=6` runs all of it with the major before. */
export const major = process.env.AI_SDK === '6' ? 6 : 7;
export const ai = major === 6 ? ((await import('ai6')) as unknown as typeof ai7) : ai7;

export const OWNER = 'e0000000-0000-4000-8000-000000000009';
export const CHAT = 'my chat';

/** Events that a test says of one session. */
export class Answer {
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

/** What the client was asked for, and what it says. */
export const directed = {
  started: [] as Started[],
  resumed: [] as string[],
  answers: new Map<string, Answer>(),
  records: new Map<string, Snapshot>(),
  turns: [] as Turn[],
  lastSessionId: null as string | null,
  /** Or only once a test says so. */
  stopsAtOnce: true,
};

function open(sessionId: string, signal?: { addEventListener: AbortSignal['addEventListener'] }) {
  const answer = new Answer(sessionId);
  directed.answers.set(sessionId, answer);
  signal?.addEventListener('abort', () => {
    answer.isStopped = true;
    if (directed.stopsAtOnce)
      answer.say({ type: 'cancelled', stopReason: null, usage: null }, 'end');
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

export const client = {
  streamPrompt: (prompt: string, options: Omit<Started, 'prompt'> & { signal: AbortSignal }) => {
    const { signal, sessionId, conversationId, parentId } = options;
    directed.started.push({ prompt, sessionId, conversationId, parentId });
    return open(sessionId, signal);
  },
  resumeStream: (sessionId: string, { signal }: { signal: AbortSignal }) => {
    directed.resumed.push(sessionId);
    return open(sessionId, signal);
  },
  getStream: (sessionId: string) => Promise.resolve(directed.records.get(sessionId) ?? null),
  conversations: {
    owner: () => Promise.resolve(OWNER),
    get: () =>
      Promise.resolve(
        directed.lastSessionId === null ? null : { lastSessionId: directed.lastSessionId },
      ),
    getAll: () => Promise.resolve({ turns: directed.turns }),
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

/** The SDK's chat. */
class PlainChat extends ai.AbstractChat<UIMessage> {
  constructor(transport: ChatTransport<UIMessage>, messages: UIMessage[] = []) {
    const state = new PlainState();
    state.messages = messages;
    super({ id: CHAT, transport, state });
  }
}

export let chat: PlainChat;

/** A chat over a transport of the client, or over another. */
export function make(
  transport: ChatTransport<UIMessage> = new TokencastChatTransport(client),
  messages: UIMessage[] = [],
): void {
  chat = new PlainChat(transport, messages);
}

/** For before each test. */
export function reset(): void {
  Object.assign(directed, {
    started: [],
    resumed: [],
    answers: new Map(),
    records: new Map(),
    turns: [],
    lastSessionId: null,
    stopsAtOnce: true,
  });
}

/** For after each test: nothing goes on. */
export async function leave(): Promise<void> {
  for (const answer of directed.answers.values()) answer.say('end');
  await chat.stop();
}

/** Until that is so: chats tell of nothing but by their state. */
export async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; !is(); turn += 1) {
    if (turn > 10_000) throw new Error(`not so: ${is.toString()}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

export async function running(index = 0): Promise<Answer> {
  await until(() => directed.started.length > index);
  const answer = directed.answers.get(directed.started[index]?.sessionId ?? '');
  if (answer === undefined) throw new Error('nobody follows it');
  return answer;
}

export const place = { attempt: 1, sequence: 1 };
export const text = (piece: string, blockIndex = 0): AnswerEvent => ({
  type: 'text',
  text: piece,
  blockIndex,
  ...place,
});
export const completed: AnswerEvent = { type: 'completed', stopReason: 'end_turn', usage: null };
export const begun = (answer: Answer): AnswerEvent => ({
  type: 'started',
  sessionId: answer.sessionId,
});

export const partsOf = (message: UIMessage | undefined): unknown[] =>
  (message?.parts ?? []).filter(({ type }) => type !== 'step-start');
export const textOf = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
