/** `npx tokencast dev`, in a folder where the package is installed. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import { cleanEnvironment } from './run.js';

export interface Ready {
  url: string;
  graphqlUrl: string;
  streamUrl: string | null;
  cognitoEndpoint: string;
  userPoolClientId: string;
  users: { username: string; password: string }[];
}

export interface Stack extends Ready {
  /** What is on standard error so far. */
  said(): string;
  /** @returns the exit code */
  stop(): Promise<number | null>;
}

export async function startStack(folder: string, args: readonly string[] = []): Promise<Stack> {
  const child = spawn('npx', ['tokencast', 'dev', '--json', '--port', '0', ...args], {
    cwd: folder,
    env: cleanEnvironment(),
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve)),
    ended.then((code) => {
      throw new Error(`npx tokencast dev ended with ${String(code)}\n${said}`);
    }),
  ]);
  return { ...(JSON.parse(line) as Ready), said: () => said, stop: () => stop(child, ended) };
}

function stop(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  child.kill('SIGTERM');
  return ended;
}

/** @returns an access token of the stack's first user */
export async function signIn({ cognitoEndpoint, userPoolClientId, users }: Ready): Promise<string> {
  const [user] = users;
  const response = await fetch(cognitoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: userPoolClientId,
      AuthParameters: { USERNAME: user?.username, PASSWORD: user?.password },
    }),
  });
  if (!response.ok) throw new Error(await response.text());
  const answer = (await response.json()) as { AuthenticationResult: { AccessToken: string } };
  return answer.AuthenticationResult.AccessToken;
}

/** @returns the answer to a prompt, as `npx tokencast ask` prints it from a running stack */
export function askArguments(stack: Ready, token: string): string[] {
  return ['tokencast', 'ask', '--api-url', stack.graphqlUrl, '--token', token, 'Why?'];
}
