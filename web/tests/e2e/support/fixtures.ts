/** What every test has: a stack of its worker's, a model that it directs, and a page that must not complain. */

import { test as base, expect, type Page } from '@playwright/test';
import { preview } from 'vite';

import { startModel, type Model } from '../../../../packages/client/tests/support/model';
import { startStack, type Stack } from '../../../../packages/client/tests/support/stack';

interface WorkerFixtures {
  model: Model;
  stack: Stack;
  /** Where the built pages are served from. */
  site: string;
}

interface TestFixtures {
  /** What the page's console said as an error. A test that expects some removes them. */
  complaints: string[];
  chat: Chat;
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
      const stack = await startStack(['--model', model.spec]);
      await use(stack);
      await stack.stop();
    },
    { scope: 'worker' },
  ],
  site: [
    async ({ stack }, use) => {
      const server = await preview({
        preview: {
          host: 'localhost',
          port: 0,
          proxy: { '/amplify_outputs.json': { target: stack.url } },
        },
        logLevel: 'warn',
      });
      const address = server.httpServer.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      await use(`http://localhost:${address.port}/`);
      await server.close();
    },
    { scope: 'worker' },
  ],
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      listenToComplaints(page, complaints);
      await use(complaints);
      expect(complaints, 'the console has no errors').toEqual([]);
    },
    { auto: true },
  ],
  chat: async ({ page, site, stack }, use) => {
    const chat = new Chat(page, site, stack);
    await chat.signIn();
    await use(chat);
  },
});

export { expect };

/** Removes what the browser itself reports of requests that were meant to fail. */
export function expectOnly(complaints: string[], expected: RegExp): void {
  expect(complaints.splice(0).filter((text) => !expected.test(text))).toEqual([]);
}

export function listenToComplaints(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
}

/** The chat page, in its user's words. */
export class Chat {
  readonly page: Page;
  readonly #site: string;
  readonly #stack: Pick<Stack, 'users'>;

  constructor(page: Page, site: string, stack: Pick<Stack, 'users'>) {
    this.page = page;
    this.#site = site;
    this.#stack = stack;
  }

  async signIn(index = 0): Promise<void> {
    await this.page.goto(this.#site);
    await this.signInHere(index);
  }

  /** With the form that is there. */
  async signInHere(index = 0): Promise<void> {
    const user = this.#stack.users[index];
    if (!user) throw new Error('no such user');
    await this.page.getByLabel('Username').fill(user.username);
    await this.page.getByLabel('Password', { exact: true }).fill(user.password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await expect(this.question).toBeVisible();
  }

  get question() {
    return this.page.getByRole('textbox', { name: 'Your question' });
  }

  get delivery() {
    return this.page.getByRole('combobox', { name: 'Delivery' });
  }

  /** In the settings, which are left open. */
  async openSettings(): Promise<void> {
    await this.page.getByRole('button', { name: 'Settings', exact: true }).click();
  }

  async deliverBy(label: string): Promise<void> {
    await this.openSettings();
    await this.delivery.selectOption(label);
    await this.page.getByRole('button', { name: 'Close the settings' }).click();
  }

  get alert() {
    return this.page.getByRole('alert').last();
  }

  /** Those of the branch that is shown. */
  get answers() {
    return this.page.getByRole('article', { name: 'Answer' });
  }

  /** The last one. */
  get answer() {
    return this.answers.last();
  }

  get questions() {
    return this.page.getByRole('region', { name: 'Question' });
  }

  /** The list of conversations. */
  get list() {
    return this.page.getByRole('navigation', { name: 'Conversations' });
  }

  /** Opens a menu, and chooses from it. */
  async menu(name: string, item: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
    await this.page.getByRole('menuitem', { name: item, exact: true }).click();
  }

  get text() {
    return this.answer.locator('.markdown').last();
  }

  get send() {
    return this.page.getByRole('button', { name: 'Send', exact: true });
  }

  get stop() {
    return this.page.getByRole('button', { name: 'Stop', exact: true });
  }

  async ask(prompt: string): Promise<void> {
    await this.question.fill(prompt);
    await this.question.press('Enter');
  }

  /** The answer has ended, well or not. */
  async over(): Promise<void> {
    await expect(this.answer).toHaveAttribute('aria-busy', 'false');
  }
}
