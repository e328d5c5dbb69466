/** What the tests of a worker of Playwright's share: a stack, a model that they direct, the built pages, and a user. */

import { randomUUID } from 'node:crypto';

import { test as base, expect } from '@playwright/test';
import { preview } from 'vite';

import { apiOf, loadOutputs, type Api } from '../../../../packages/client/src/index.js';
import { passwordTokens } from '../../../../packages/client/tests/support/cognito.js';
import { startModel, type Model } from '../../../../packages/client/tests/support/model.js';
import { startStack } from '../../../../packages/client/tests/support/stack.js';
import { addressOf, type Via } from '../page/settings.js';
import { SITE } from './build.js';
import { ChatPage } from './chat_page.js';
import { controlOf, type Control } from './control.js';
import { Tabs } from './tabs.js';

export interface Running {
  api: Api;
  token: string;
  control: Control;
}

interface WorkerFixtures {
  model: Model;
  stack: Running;
  /** Where the built pages are. */
  site: string;
  tabs: Tabs;
}

interface TestFixtures {
  /** Opens a chat; without an id, a new one. */
  open: (via: Via, chatId?: string, file?: string) => Promise<ChatPage>;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  model: [
    async ({}, use) => {
      const model = await startModel();
      await use(model);
      await model.close();
    },
    { scope: 'worker' },
  ],
  stack: [
    async ({ model }, use) => {
      await using(model, [], use);
    },
    { scope: 'worker' },
  ],
  site: [
    async ({}, use) => {
      const server = await preview({
        configFile: false,
        build: { outDir: SITE },
        preview: { host: 'localhost', port: 0 },
        logLevel: 'warn',
      });
      const address = server.httpServer.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      await use(`http://localhost:${address.port}/`);
      await server.close();
    },
    { scope: 'worker' },
  ],
  tabs: [
    async ({ browser, site }, use) => {
      const context = await browser.newContext();
      await use(new Tabs(context, site));
      await context.close();
    },
    { scope: 'worker' },
  ],
  open: async ({ tabs, stack, site }, use) => {
    await use((via, chatId = randomUUID(), file = '') =>
      openChat({ tabs, stack, page: `${site}${file}`, via, chatId }),
    );
    await tabs.leave();
    await stack.control.faults([]);
  },
});

export { expect };

/** Starts a stack with these arguments, for as long as it is used. */
export async function using(
  model: Model,
  args: string[],
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const stack = await startStack(['--control', '--model', model.spec, ...args]);
  try {
    const outputs = await loadOutputs(`${stack.url}/amplify_outputs.json`);
    const tokens = await passwordTokens(outputs, stack.users[0]);
    const control = controlOf(stack.controlUrl ?? '');
    await use({ api: apiOf(outputs), token: await tokens(), control });
  } finally {
    await stack.stop();
  }
}

interface Opened {
  tabs: Tabs;
  stack: Running;
  page: string;
  via: Via;
  chatId: string;
}

export async function openChat({ tabs, stack, page, via, chatId }: Opened): Promise<ChatPage> {
  const { graphqlUrl, streamUrl, webSocketUrl } = stack.api;
  if (streamUrl === undefined || webSocketUrl === undefined) throw new Error('no such delivery');
  const settings = { via, chatId, token: stack.token, graphqlUrl, streamUrl, webSocketUrl };
  const tab = await tabs.open();
  await tab.goto(addressOf(page, settings));
  const chat = new ChatPage(tab, chatId);
  await chat.settled();
  return chat;
}
