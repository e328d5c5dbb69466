/**
 * How fast a token gets from the model to the screen, and whether the page stays responsive meanwhile: `npm run bench`.
 *
 * It prints what it measures, and asserts nothing of it: that depends on what the machine does besides.
 */

import type { Model } from '../../../packages/client/tests/support/model';
import { expect, test, type Chat } from '../e2e/support/fixtures';
import { busyBetween, mainThreadTasks, read, report, spread } from './trace';

// Recording a trace is work that the page would be blamed for.
test.use({ trace: 'off' });

const RUNS = 15;

/** Marks in the page's timeline. */
const CLICKED = 'clicked';
const PAINTED = 'painted';

test('from click to the first painted token', async ({ chat, model, browser }) => {
  const categories = ['toplevel', 'blink.user_timing'];
  await browser.startTracing(chat.page, { categories });
  const took: number[] = [];
  for (let run = 0; run < RUNS; run += 1) took.push(await addedDelayMs(chat, model, `${run}`));
  const trace = read(await browser.stopTracing());
  const busy = busyBetween(trace, CLICKED, PAINTED);
  expect(busy.length).toBe(RUNS);
  // By the clock it depends on what the machine is, and does besides; by the page's processor time it does not.
  report(
    `by the clock, less the model’s own time: ${spread(took)}; the page’s CPU: ${spread(busy)}`,
  );
});

async function addedDelayMs(chat: Chat, model: Model, name: string): Promise<number> {
  const prompt = `quick ${name};`;
  model.answer(prompt, { tokens: ['First ', 'second.'], firstTokenMs: 40 });
  await chat.page.getByRole('link', { name: 'New conversation' }).click();
  await chat.question.fill(prompt);
  const painted = chat.page.evaluate(paintedAfterClick, [CLICKED, PAINTED] as const);
  await chat.send.click();
  const took = (await painted) - model.lastFirstTokenMs();
  await chat.over();
  return took;
}

/** In the page: from the next click until the first of the answer is on the screen. */
function paintedAfterClick([clicked, painted]: readonly [string, string]): Promise<number> {
  return new Promise((resolve) => {
    let clickedAt = 0;
    const onClick = (): void => {
      clickedAt = performance.mark(clicked).startTime;
    };
    document.addEventListener('click', onClick, { once: true, capture: true });
    const observer = new MutationObserver(() => {
      if (!document.querySelector('.answer .markdown')?.textContent) return;
      observer.disconnect();
      // After the frame that shows it.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          resolve(performance.mark(painted).startTime - clickedAt);
        };
        port2.postMessage(null);
      });
    });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

test('an answer of 5,000 tokens', async ({ chat, model, browser }) => {
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
  await chat.over();
  const trace = read(await browser.stopTracing());
  const words = (await chat.text.textContent())?.match(/word\d+/g) ?? [];
  expect(words).toHaveLength(5_000);

  const long = await chat.page.evaluate(() => (window as unknown as { long: number[] }).long);
  const busiest = Math.max(...mainThreadTasks(trace).map(({ tdur = 0 }) => tdur / 1_000));
  // By the clock a task goes on while the machine does something else; by processor time it doesn't.
  report(
    `busiest task ${busiest.toFixed(1)} ms of CPU; ${long.length} tasks over 50 ms by the clock`,
  );
});

/** Prose, with some of everything else. */
function piece(index: number): string {
  const word = `word${index} `;
  if (index % 400 === 0) return `\n\n## ${word}\n\n`;
  if (index % 60 === 0) return `\n\n${word}`;
  if (index % 400 > 340) return index % 10 === 0 ? `\n- **${word.trim()}** ` : word;
  return index % 17 === 0 ? `\`${word.trim()}\` ` : word;
}
