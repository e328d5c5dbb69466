/** Serves this repository's page, as built. */

import { preview } from 'vite';

export async function startPage(use: (url: string) => Promise<void>): Promise<void> {
  const server = await preview({ preview: { host: 'localhost', port: 0 }, logLevel: 'warn' });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await use(`http://localhost:${address.port}/`);
  await server.close();
}
