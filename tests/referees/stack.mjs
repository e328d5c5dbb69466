// The stack that serves this test: its endpoints, and what no client can ask of it.
//
// A test file runs below `cargo test`, which starts the stack. A question goes out as a line of stdout, its answer comes
// back as a line of stdin, one at a time.
import { createInterface } from 'node:readline';

if (!process.env.STACK) {
  throw new Error('There is no stack: run this file with `cargo test -p system-tests --test referees`.');
}

/** `url`, `region`, `graphqlUrl`, `webSocketUrl`, `userPoolId`, `userPoolClientId`, `issuer`, `queueUrl`, `users` … */
export const stack = JSON.parse(process.env.STACK);

export const [alice, bob] = stack.users;

/** Cuts every real-time socket without a goodbye; returns how many there were. */
export async function dropWebsockets() {
  const { dropped } = await ask({ ask: 'dropWebsockets' });
  return dropped;
}

/** The gateway's open connections: `{ tls, websocket }` each. */
export async function connections() {
  const { connections } = await ask({ ask: 'connections' });
  return connections;
}

/**
 * What the model says from now on: `tokens` (null: paragraphs about the prompt) or `blocks`, the pause between tokens,
 * and a fault of the next call: `{ kind: 'refuse' | 'fail' | 'cut' | 'reset', exception, afterTokens }`.
 */
export async function script({ tokens = null, blocks = null, msBetweenTokens = 5, fault = null }) {
  await ask({ ask: 'script', tokens, blocks, msBetweenTokens, fault });
}

/** What goes wrong from now on: rules of a fault plan, as docs/FAULTS.md has them. None ends it. */
export async function faults(rules) {
  await ask({ ask: 'faults', plan: { seed: 1, rules } });
}

/** How often each rule has fired. */
export async function fired() {
  const { fired } = await ask({ ask: 'fired' });
  return fired;
}

/** Moves the stack's clock: leases and visibility timeouts end, and nobody waits for them. */
export async function advance(ms) {
  await ask({ ask: 'advance', ms });
}

/**
 * Once the fault that kills the function has fired: the next attempt begins, for the lease of the killed one, and what
 * hides its message, end.
 */
export async function takenOver() {
  while ((await fired()).some((times) => times === 0)) await new Promise(setImmediate);
  await advance(31_000);
}

/** Kills the Function URL's function when it saves the progress of an answer once more: by then, its text is on the way. */
export const KILLED = {
  name: 'the function dies in mid answer',
  service: 'dynamodb',
  caller: 'function-url',
  contains: 'STREAMING',
  when: { after: 1, times: 1 },
  fault: { killCaller: {} },
};

/** An access key that may publish, as the worker's may: `accessKeyId`, `secretAccessKey`, `sessionToken`. */
export function accessKey() {
  return ask({ ask: 'accessKey' });
}

/** The model's last call, once it has ended: `id`, `modelId`, `prompt`, `tokensSent`, `textSent`, `ended`, `liveStreams`. */
export function lastModelCall() {
  return ask({ ask: 'lastModelCall' });
}

const answers = [];
createInterface({ input: process.stdin }).on('line', (line) => answers.shift()?.(JSON.parse(line)));
// Only a question keeps the process waiting.
process.stdin.unref();

async function ask(question) {
  process.stdin.ref();
  process.stdout.write(`@stack ${JSON.stringify(question)}\n`);
  const answer = await new Promise((resolve) => answers.push(resolve));
  if (answers.length === 0) process.stdin.unref();
  if (answer?.error) throw new Error(answer.error);
  return answer;
}
