/** A page with a chat, in its user's words. */

import { expect, type Locator, type Page } from '@playwright/test';

export class ChatPage {
  readonly page: Page;
  readonly chatId: string;

  constructor(page: Page, chatId: string) {
    this.page = page;
    this.chatId = chatId;
  }

  get main(): Locator {
    return this.page.getByRole('main');
  }

  get questions(): Locator {
    return this.page.getByRole('article', { name: 'user' });
  }

  get answers(): Locator {
    return this.page.getByRole('article', { name: 'assistant' });
  }

  /** The texts of the answers. */
  get texts(): Locator {
    return this.answers.locator('[data-part=text]');
  }

  get reasoning(): Locator {
    return this.answers.locator('[data-part=reasoning]');
  }

  get alert(): Locator {
    return this.page.getByRole('alert');
  }

  async send(prompt: string): Promise<void> {
    await this.page.getByLabel('Prompt').fill(prompt);
    await this.press('Send');
  }

  /** Puts other words in a question's place. */
  async edit(index: number, prompt: string): Promise<void> {
    await this.page.getByLabel('Prompt').fill(prompt);
    await this.questions.nth(index).getByRole('button', { name: 'Edit' }).click();
  }

  async press(name: 'Send' | 'Regenerate' | 'Stop'): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  async is(status: 'ready' | 'streaming' | 'error' | RegExp): Promise<void> {
    await expect(this.main).toHaveAttribute('data-status', status);
  }

  /** The page has found out whether an answer is running. */
  async settled(): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-looked', 'true');
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.settled();
  }
}
