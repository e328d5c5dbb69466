/** Builds the pages once, before all tests, unless `SKIP_WEB_BUILD` says that they are built. */

import { build } from 'vite';

export default async function buildPages(): Promise<void> {
  if (process.env.SKIP_WEB_BUILD === undefined) await build({ logLevel: 'warn' });
}
