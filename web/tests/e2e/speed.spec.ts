/** How fast a token gets from the model to the screen, and whether the page stays responsive meanwhile. */

import type { Model } from '../support/model';
import { expect, test, type Chat } from './support/fixtures';

// Recording a trace is work that the page would be blamed for.
test.use({ trace: 'off' });

const RUNS = 15;
const ROUNDS = 3;

test('from click to the first painted token, less the model’s own time: median under 100 ms', async ({
  chat,
  model,
}) => {
  let best = Infinity;
  // Other work on the machine delays every hop; it may pass.
  for (let round = 0; round < ROUNDS && best >= 100; round += 1) {
    const took: number[] = [];
    for (let run = 0; run < RUNS; run += 1)
      took.push(await addedDelayMs(chat, model, `${round}.${run}`));
    took.sort((a, b) => a - b);
    const median = took[Math.floor(RUNS / 2)] ?? Infinity;
    const [least = 0] = took;
    const most = took.at(-1) ?? 0;
    report(
      `median ${median.toFixed(0)} ms, ${least.toFixed(0)} to ${most.toFixed(0)} ms, of ${RUNS}`,
    );
    best = Math.min(best, median);
  }
  expect(best).toBeLessThan(100);
});

async function addedDelayMs(chat: Chat, model: Model, name: string): Promise<number> {
  const prompt = `quick ${name};`;
  model.answer(prompt, { tokens: ['First ', 'second.'], firstTokenMs: 40 });
  await chat.page.getByRole('link', { name: 'New question' }).click();
  await chat.question.fill(prompt);
  const painted = chat.page.evaluate(paintedAfterClick);
  await chat.send.click();
  const took = (await painted) - model.lastFirstTokenMs();
  await chat.over();
  return took;
}

/** In the page: from the next click until the first of the answer is on the screen. */
function paintedAfterClick(): Promise<number> {
  return new Promise((resolve) => {
    let clickedAt = 0;
    const onClick = (): void => {
      clickedAt = performance.now();
    };
    document.addEventListener('click', onClick, { once: true, capture: true });
    const observer = new MutationObserver(() => {
      if (!document.querySelector('.answer .markdown')?.textContent) return;
      observer.disconnect();
      // After the frame that shows it.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          resolve(performance.now() - clickedAt);
        };
        port2.postMessage(null);
      });
    });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

test('an answer of 5,000 tokens causes no long task', async ({ chat, model, browser }) => {
  const tokens = Array.from({ length: 5_000 }, (_, index) => piece(index));
  model.answer('long', { tokens, betweenMs: 1 });
  await chat.page.evaluate(() => {
    const long: number[] = [];
    Object.assign(window, { long });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) long.push(duration);
    }).observe({ type: 'longtask' });
  });
  await browser.startTracing(chat.page, { categories: ['toplevel'] });
  await chat.ask('long');
  await expect(chat.answer).toHaveAttribute('aria-busy', 'false', { timeout: 40_000 });
  const trace = (await browser.stopTracing()).toString();
  const words = (await chat.text.textContent())?.match(/word\d+/g) ?? [];
  expect(words).toHaveLength(5_000);

  const long = await chat.page.evaluate(() => (window as unknown as { long: number[] }).long);
  const busiest = busiestTaskMs(trace);
  report(
    `busiest task ${busiest.toFixed(1)} ms of CPU; ${long.length} tasks over 50 ms by the clock`,
  );
  // A long task counts by the clock, which goes on while the machine does something else. One that has used less of
  // the processor was kept waiting, not busy.
  expect(Math.min(busiest, Math.max(0, ...long))).toBeLessThan(50);
});

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Processor time, in microseconds. */
  tdur?: number;
  args: { name?: string };
}

/** The processor time of the main thread's longest task. */
function busiestTaskMs(trace: string): number {
  const { traceEvents } = JSON.parse(trace) as { traceEvents: TraceEvent[] };
  const thread = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(thread),
  );
  const tasks = traceEvents.filter(
    (event) => event.ph === 'X' && event.name.endsWith('RunTask') && main.has(thread(event)),
  );
  expect(tasks.length).toBeGreaterThan(100);
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1_000), 0);
}

function report(description: string): void {
  test.info().annotations.push({ type: 'measured', description });
  console.log(`    ${description}`);
}

/** Prose, with some of everything else. */
function piece(index: number): string {
  const word = `word${index} `;
  if (index % 400 === 0) return `\n\n## ${word}\n\n`;
  if (index % 60 === 0) return `\n\n${word}`;
  if (index % 400 > 340) return index % 10 === 0 ? `\n- **${word.trim()}** ` : word;
  return index % 17 === 0 ? `\`${word.trim()}\` ` : word;
}
