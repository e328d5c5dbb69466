/**
 * OpenAI's and AG-UI's packages in a page: of another origin than the Function URL, so that the browser asks what they may send
 * and shows only what they may read.
 */

import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

import type { Page } from '@playwright/test';

import { addressOf } from './page/settings.js';
import type { Clients } from './page/clients.js';
import { MAJOR } from './support/build.js';
import { expect, test, using, type Running } from './support/fixtures.js';
import type { Tabs } from './support/tabs.js';

test.skip(MAJOR === 6, 'no package of the AI SDK is in this page');

const TOKENS = ['Rivers ', 'meander ', 'because ', 'banks ', 'erode.'];

async function opened(tabs: Tabs, stack: Running, site: string): Promise<Page> {
  const { graphqlUrl, streamUrl = '', webSocketUrl = '' } = stack.api;
  const urls = { graphqlUrl, streamUrl, webSocketUrl };
  const page = await tabs.open();
  const settings = { via: 'http' as const, chatId: randomUUID(), token: stack.token, ...urls };
  await page.goto(addressOf(`${site}clients.html`, settings));
  await page.waitForFunction(() => 'clients' in window);
  expect(new URL(page.url()).origin).not.toBe(new URL(streamUrl).origin);
  return page;
}

/** What one of the page's clients says. */
function said<Name extends keyof Clients>(
  page: Page,
  name: Name,
  ...args: Parameters<Clients[Name]>
): Promise<Awaited<ReturnType<Clients[Name]>>> {
  const call = { name, args };
  return page.evaluate(async ({ name, args }) => {
    const client = window.clients[name] as (...all: unknown[]) => Promise<unknown>;
    return client(...args);
  }, call) as Promise<Awaited<ReturnType<Clients[Name]>>>;
}

test('openai and AG-UI are answered in a page of another origin', async ({
  tabs,
  stack,
  site,
  model,
}) => {
  const page = await opened(tabs, stack, site);
  const prompt = `Why do rivers meander? ${randomUUID()}`;
  model.answer(prompt, { tokens: TOKENS });

  const key = randomUUID();
  const first = await said(page, 'complete', prompt, key);
  expect(first.text).toBe(TOKENS.join(''));
  // The package reads the session's id of a header, and the key went through the preflight.
  expect(first.requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(await said(page, 'complete', prompt, key)).toEqual(first);
  expect(model.finished(prompt)).toBe(1);

  expect(await said(page, 'models')).toEqual(['default']);
  expect(await said(page, 'run', prompt)).toBe(TOKENS.join(''));
  const unknown = await said(page, 'refused', prompt, 'gpt-4');
  expect(unknown).toMatchObject({ status: 404, code: 'model_not_found' });
  expect(unknown.headers['x-should-retry']).toBe('false');

  for (const path of ['v1/models', 'v1/models/', 'assistants/', 'conversations']) {
    expect(await said(page, 'request', 'HEAD', path)).toMatchObject({ status: 200 });
  }
  const { requestId } = first;
  for (const method of ['HEAD', 'GET', 'DELETE']) {
    const answered = await said(page, 'request', method, `${requestId}/`);
    expect(answered.status, method).toBe(200);
    if (method !== 'DELETE') expect(answered.headers['x-tokencast-session-id']).toBe(requestId);
  }
  const chat = await said(page, 'request', 'HEAD', `ai-sdk/${randomUUID()}/messages/`);
  expect(chat.status).toBe(200);
  // The preflight refuses what no client of ours sends, so it is known that it was asked about the rest.
  const other = page.evaluate(
    (url) => fetch(url, { headers: { 'x-other': '1' } }),
    stack.api.streamUrl ?? '',
  );
  await expect(other).rejects.toThrow('Failed to fetch');
});

test('openai reads in a page when it may ask again', async ({ tabs, site, model }, testInfo) => {
  const file = testInfo.outputPath('quotas.json');
  await writeFile(file, JSON.stringify({ default: { startsPerDay: 1 } }));
  await using(model, ['--quotas', file], async (stack) => {
    const page = await opened(tabs, stack, site);
    const prompt = `Why do rivers meander? ${randomUUID()}`;
    model.answer(prompt, { tokens: TOKENS });
    expect((await said(page, 'complete', prompt)).text).toBe(TOKENS.join(''));
    const refused = await said(page, 'refused', prompt);
    expect(refused).toMatchObject({ status: 429, code: 'insufficient_quota' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['x-should-retry']).toBe('false');
    await tabs.leave();
  });
});
