/** The hook in a page, over a client that a test directs. */

import { act, type JSX } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { TokencastError, type AnswerEvent, type TokencastClient } from '@tokencast/client';

import { useStream, type AnswerView, type StreamActions } from '../src/index.js';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Events that a test says; what a client's user did is noted. */
class Script {
  readonly asked: string[] = [];
  stopped = false;
  left = 0;
  #push: ((step: AnswerEvent | TokencastError) => void) | null = null;

  readonly client: TokencastClient = {
    streamPrompt: (prompt, { sessionId = '', signal } = {}) => {
      this.asked.push(prompt);
      signal?.addEventListener('abort', () => {
        this.stopped = true;
      });
      return { sessionId, [Symbol.asyncIterator]: () => this.#events() };
    },
    resumeStream: (sessionId) => {
      this.asked.push(`resume ${sessionId}`);
      return { sessionId, [Symbol.asyncIterator]: () => this.#events() };
    },
    stopStream: () => Promise.resolve(),
    getStream: () => Promise.resolve(null),
    conversations: {} as TokencastClient['conversations'],
    assistants: () => Promise.resolve([]),
    usage: () => Promise.reject(new Error('nobody asks')),
  };

  async say(...steps: (AnswerEvent | TokencastError)[]): Promise<void> {
    await act(async () => {
      for (const step of steps) {
        this.#push?.(step);
        await Promise.resolve();
      }
      await vi.advanceTimersByTimeAsync(300);
    });
  }

  #events(): AsyncIterator<AnswerEvent, undefined> {
    const steps: (AnswerEvent | TokencastError)[] = [];
    let wake: () => void = () => undefined;
    this.#push = (step) => {
      steps.push(step);
      wake();
    };
    return {
      next: async () => {
        while (steps.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const step = steps.shift();
        if (step === undefined || step instanceof TokencastError) throw step ?? new Error('none');
        return { done: false, value: step };
      },
      return: () => {
        this.left += 1;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

let script: Script;
let root: Root;
let answer: AnswerView;
let actions: StreamActions;
let renders: number;

function Page({ client }: { client: TokencastClient }): JSX.Element {
  [answer, actions] = useStream(client);
  renders += 1;
  return <p>{answer.text}</p>;
}

const text = (piece: string, sequence: number): AnswerEvent => ({
  type: 'text',
  text: piece,
  blockIndex: 0,
  sequence,
  attempt: 1,
});

beforeEach(() => {
  vi.useFakeTimers();
  script = new Script();
  renders = 0;
  root = createRoot(document.body.appendChild(document.createElement('div')));
  act(() => {
    root.render(<Page client={script.client} />);
  });
});

afterEach(() => {
  act(() => {
    root.unmount();
  });
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function ask(prompt: string): string {
  let sessionId = '';
  act(() => {
    sessionId = actions.ask(prompt);
  });
  return sessionId;
}

test('an answer is shown as it comes, and says how it ended', async () => {
  expect(answer.phase).toBe('idle');
  const sessionId = ask('Why?');
  expect(answer).toMatchObject({ sessionId, phase: 'connecting', sent: false });
  await script.say({ type: 'started', sessionId }, { type: 'status', status: 'QUEUED' });
  expect(answer).toMatchObject({ phase: 'queued', sent: true });
  await script.say(text('Rivers ', 1), text('meander.', 2));
  expect(document.body.textContent).toBe('Rivers meander.');
  await script.say({ type: 'completed', stopReason: 'end_turn', usage: null });
  expect(answer).toMatchObject({ phase: 'completed', stopReason: 'end_turn' });
});

test('many tokens of one frame are shown at once', async () => {
  ask('Why?');
  await script.say(text('0 ', 1));
  const before = renders;
  await script.say(...Array.from({ length: 50 }, (_, index) => text('1 ', index + 2)));
  expect(answer.text).toHaveLength(102);
  expect(renders - before).toBeLessThanOrEqual(2);
});

test('a restart clears the text', async () => {
  ask('Why?');
  await script.say(text('Riv', 1), { type: 'restarted', attempt: 2 });
  expect(answer).toMatchObject({ text: '', phase: 'thinking', restarts: 1 });
});

test('stop stops the session, and unmounting only leaves it', async () => {
  ask('Why?');
  await script.say(text('Riv', 1));
  act(() => {
    actions.stop();
  });
  expect([answer.stopping, script.stopped]).toEqual([true, true]);
  await script.say({ type: 'cancelled', stopReason: null, usage: null });
  expect(answer).toMatchObject({ phase: 'cancelled', stopping: false, text: 'Riv' });
  act(() => {
    actions.resume('other');
  });
  act(() => {
    root.render(null);
  });
  expect(script.asked).toEqual(['Why?', 'resume other']);
  expect(script.left).toBe(2);
});

test('what is thrown is an error with a code', async () => {
  ask('Why?');
  await script.say(new TokencastError('notFound', 'There is none'));
  expect(answer).toMatchObject({ phase: 'failed', error: { code: 'NOT_FOUND', retryable: false } });
});

test('a question without a network is sent once there is one', () => {
  const onLine = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
  ask('Why?');
  expect([answer.phase, script.asked]).toEqual(['unsent', []]);
  onLine.mockReturnValue(true);
  act(() => {
    window.dispatchEvent(new Event('online'));
  });
  expect(script.asked).toEqual(['Why?']);
});

test('a server shows what there is at first: nothing', () => {
  expect(renderToString(<Page client={script.client} />)).toBe('<p></p>');
});
