import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The local stack on a free port, with a control endpoint for tests. */
export async function startTokencast() {
  const child = spawn(
    process.env.TOKENCAST_BIN ?? 'tokencast',
    ['dev', '--json', '--port', '0', '--control'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const line = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).once('line', resolve);
    child.once('error', reject);
    child.once('exit', (code) => {
      reject(new Error(`tokencast ended with ${code ?? 'a signal'}`));
    });
  });
  const { url, controlUrl, users } = JSON.parse(line) as {
    url: string;
    controlUrl: string;
    users: { username: string; password: string }[];
  };

  async function control(method: string, path: string, body?: object): Promise<unknown> {
    const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(controlUrl + path, request);
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }

  return {
    url,
    users,
    /** What the model says from now on, and how fast. */
    script: (script: { tokens: string[]; timeBetweenTokensMs?: number }) =>
      control('PUT', 'model/script', script),
    /** What goes wrong from now on: docs/FAULTS.md. */
    faults: (rules: object[]) => control('PUT', 'faults', { rules }),
    /** How often each rule has fired. */
    report: () => control('GET', 'faults') as Promise<{ report: { fired: number }[] }>,
    /** Tokens, leases and visibility timeouts follow the stack's clock. */
    advanceClock: (ms: number) => control('POST', 'clock/advance', { ms }),
    stop: () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => {
          resolve();
        });
        child.kill('SIGINT');
      }),
  };
}

export type Tokencast = Awaited<ReturnType<typeof startTokencast>>;
