/** Assistants to choose from, and quotas that are used up, as a reader meets both. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startStack, type Stack } from '../../../packages/client/tests/support/stack';
import { expectAccessible } from './support/accessible';
import { Chat, expect, expectOnly, test as base } from './support/fixtures';

/** `law` reasons, and its model has a price. */
const ASSISTANTS = {
  version: 1,
  default: 'general',
  assistants: {
    general: { title: 'General', model: 'amazon.nova-lite-v1:0' },
    law: {
      title: 'Law',
      description: 'Knows the law.',
      model: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
      maxTokens: 8192,
      reasoning: { budgetTokens: 4096 },
    },
  },
  prices: {
    'eu.anthropic.claude-sonnet-4-5-20250929-v1:0': { inputPerMillion: 3, outputPerMillion: 15 },
  },
};

type Options = Record<'assistants' | 'quotas', object>;

interface Own {
  stack: Stack;
  chat: Chat;
}

// Each test has a stack of its own, by files of its own.
const test = base.extend<{ start: (options: Partial<Options>) => Promise<Own> }>({
  start: async ({ page, site }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'tokencast-web-'));
    const stacks: Stack[] = [];
    await use(async (options) => {
      const files = Object.entries(options).flatMap(([name, content]) => {
        const file = join(folder, `${name}.json`);
        writeFileSync(file, JSON.stringify(content));
        return [`--${name}`, file];
      });
      const stack = await startStack(['--control', ...files]);
      stacks.push(stack);
      await page.route('**/amplify_outputs.json', async (route) => {
        await route.fulfill({
          response: await route.fetch({ url: `${stack.url}/amplify_outputs.json` }),
        });
      });
      const chat = new Chat(page, site, stack);
      await chat.signIn();
      return { stack, chat };
    });
    // The page would complain of a stack that is gone.
    await page.goto('about:blank');
    for (const stack of stacks) await stack.stop();
    rmSync(folder, { recursive: true });
  },
});

/** What a reader sees of an answer of `law`, and of no other. */
async function answeredBy(chat: Chat, name: 'general' | 'law'): Promise<void> {
  await chat.over();
  const thought = chat.answer.locator('summary', { hasText: /^Thought/ });
  await expect(thought).toHaveCount(name === 'law' ? 1 : 0);
  await chat.answer.locator('details.figures > summary').click();
  await expect(chat.answer.getByText('Output', { exact: true })).toBeVisible();
  const costs = chat.answer.locator('dl > div').filter({ hasText: /^Cost/ });
  await expect(costs).toHaveText(name === 'law' ? [/^Cost\$0\.\d+$/] : []);
}

test('a reader chooses who answers, and the conversation remembers it', async ({ page, start }) => {
  const { chat } = await start({ assistants: ASSISTANTS });
  const select = page.getByRole('combobox', { name: 'Assistant' });
  await expect(select.getByRole('option')).toHaveText(['General', 'Law']);
  await expect(select).toHaveValue('general');
  await select.selectOption('Law');
  await expect(select).toHaveAttribute('title', 'Knows the law.');
  await expectAccessible(page);
  await chat.ask('Why do rivers meander?');
  await answeredBy(chat, 'law');
  // What the page knows after a reload, the conversation has told it.
  await page.reload();
  await expect(select).toHaveValue('law');
  await chat.ask('And canals?');
  await expect(chat.answers).toHaveCount(2);
  await answeredBy(chat, 'law');
  // Another one takes over.
  await select.selectOption('General');
  await chat.ask('And seas?');
  await expect(chat.answers).toHaveCount(3);
  await answeredBy(chat, 'general');
  await page.reload();
  await expect(select).toHaveValue('general');
});

test('where there is one assistant, nothing asks for a choice', async ({ page, chat }) => {
  await expect(chat.question).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Assistant' })).toHaveCount(0);
});

test('a day’s quota that is used up is said over each delivery, with the time from which it is not', async ({
  page,
  start,
  complaints,
}) => {
  const { chat } = await start({ quotas: { default: { startsPerDay: 1 } } });
  await chat.ask('The first');
  await chat.over();
  for (const label of ['AppSync', 'Function URL', 'WebSocket']) {
    await chat.deliverBy(label);
    await chat.ask(`Another over ${label}`);
    await expect(chat.questions.last()).toContainText(`Another over ${label}`);
    // The day is UTC's, and the time the reader's.
    const midnight = new Date();
    midnight.setUTCHours(24, 0, 0, 0);
    const clock = midnight.toLocaleTimeString('en', { hour: 'numeric', minute: '2-digit' });
    await expect(chat.alert).toContainText('You have asked as many questions today as you may.');
    await expect(chat.alert).toContainText(/You can ask again (at|on \w+day at) /);
    await expect(chat.alert).toContainText(`at ${clock}.`);
    // No button leads on: only time helps.
    await expect(chat.alert.getByRole('button')).toHaveCount(0);
    await chat.alert.getByText('Details').click();
    await expect(chat.alert).toContainText('QUOTA_EXCEEDED');
    await expect(chat.alert).toContainText('1 of 1 used');
  }
  await expectAccessible(page);
  // The Function URL's refusal is a status, of which the browser itself tells.
  expectOnly(complaints, /429/);
});

test('a storm of questions is over in a minute, and the same question is asked again', async ({
  start,
}) => {
  const { chat, stack } = await start({ quotas: { default: { startsPerMinute: 1 } } });
  await chat.ask('The first');
  await chat.over();
  await chat.ask('The second');
  await expect(chat.alert).toContainText('You have asked many questions in the last minute.');
  await expect(chat.alert).toContainText('Try again in a minute.');
  const advanced = await fetch(`${stack.controlUrl ?? ''}clock/advance`, {
    method: 'POST',
    body: JSON.stringify({ ms: 60_000 }),
  });
  expect(advanced.ok).toBe(true);
  await chat.alert.getByRole('button', { name: 'Try again' }).click();
  await chat.over();
  await expect(chat.answer.getByRole('alert')).toHaveCount(0);
  await expect(chat.text).not.toBeEmpty();
});
