// @vitest-environment happy-dom
/** `useChat` in a page. */

import { Chat, useChat } from '@ai-sdk/react';
import { act, type JSX } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, test } from 'vitest';

import { TokencastChatTransport } from '../../src/ai-sdk/index.js';
import type { TokencastClient } from '../../src/client.js';
import type { AnswerEvent } from '../../src/types.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const events: AnswerEvent[] = [];
let wake: () => void = () => undefined;
let stops = 0;
let looked = false;

const client = {
  streamPrompt: (_: string, { sessionId, signal }: { sessionId: string; signal: AbortSignal }) => {
    signal.addEventListener('abort', () => (stops += 1));
    return {
      sessionId,
      [Symbol.asyncIterator]: async function* () {
        yield { type: 'started', sessionId };
        for (;;) {
          while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
          yield* events.splice(0);
        }
      },
    };
  },
  conversations: {
    owner: () => Promise.resolve('owner'),
    get: () => {
      looked = true;
      return Promise.resolve(null);
    },
  },
} as unknown as TokencastClient;

async function say(...said: AnswerEvent[]): Promise<void> {
  events.push(...said);
  await act(async () => {
    wake();
    await Promise.resolve();
  });
}

/** A page shows what it is told in turns of its own. */
async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; !is(); turn += 1) {
    if (turn > 10_000) throw new Error(`not so: ${document.body.textContent}`);
    await act(() => new Promise((resolve) => setTimeout(resolve)));
  }
}

let root: Root;
afterEach(() => {
  act(() => {
    root.unmount();
  });
});

const piece = (text: string): AnswerEvent => ({
  type: 'text',
  text,
  blockIndex: 0,
  sequence: 1,
  attempt: 1,
});

test('shows an answer as it comes; a chat of the page’s own outlives the component', async () => {
  // As a page does that leaves an answer without stopping it.
  const chat = new Chat({ id: 'chat', transport: new TokencastChatTransport(client) });
  function Page(): JSX.Element {
    const { messages, status } = useChat({ chat, resume: true });
    const said = messages.flatMap(({ parts }) =>
      parts.map((part) => (part.type === 'text' ? part.text : '')),
    );
    return <p>{`${status}: ${said.join('|')}`}</p>;
  }
  root = createRoot(document.body.appendChild(document.createElement('div')));
  const shown = (): string => document.body.textContent;
  act(() => {
    root.render(<Page />);
  });
  // Whether anything runs; a question that is sent before that is known confuses the SDK.
  await until(() => looked && shown() === 'ready: ');
  act(() => {
    void chat.sendMessage({ text: 'Why?' });
  });
  await until(() => shown().startsWith('submitted: Why?'));
  await say(piece('Because'));
  await until(() => shown() === 'streaming: Why?||Because');
  act(() => {
    root.render(null);
  });
  expect(stops).toBe(0);
  await say(piece(' so.'), { type: 'completed', stopReason: 'end_turn', usage: null });
  act(() => {
    root.render(<Page />);
  });
  await until(() => shown().includes('Why?||Because so.'));
  await act(() => chat.stop());
  expect(stops).toBe(1);
});
