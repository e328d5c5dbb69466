/** Whether `@tokencast/client` has a transport for the AI SDK. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const CLIENT = fileURLToPath(new URL('../../../packages/client/package.json', import.meta.url));

export async function hasChatTransport(): Promise<boolean> {
  const { exports } = JSON.parse(await readFile(CLIENT, 'utf8')) as { exports: object };
  return './ai-sdk' in exports;
}
