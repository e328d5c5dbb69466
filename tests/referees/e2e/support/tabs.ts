/** The tabs of one browser, used again by each test: a new one costs more than most of what a test does in it. */

import type { BrowserContext, Page } from '@playwright/test';

/** Where a tab waits: a page without a script, of the same site, so that the tab keeps its process. */
const NOWHERE = 'nowhere.txt';

export class Tabs {
  readonly #context: BrowserContext;
  readonly #site: string;
  readonly #used: Page[] = [];
  readonly #free: Page[] = [];

  constructor(context: BrowserContext, site: string) {
    this.#context = context;
    this.#site = site;
  }

  /** A tab that nobody uses. */
  async open(): Promise<Page> {
    const tab = this.#free.pop() ?? (await this.#context.newPage());
    this.#used.push(tab);
    return tab;
  }

  /** Leaves all pages: their scripts end, and so do their connections. */
  async leave(): Promise<void> {
    for (let tab = this.#used.pop(); tab; tab = this.#used.pop()) {
      await tab.goto(`${this.#site}${NOWHERE}`);
      this.#free.push(tab);
    }
  }
}
