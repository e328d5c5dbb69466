/** What a caller without a compiler hands in, refused by its name, with what it is and what was expected. */

/** @throws `TypeError` if it is none */
export function mustBeClient(client: unknown): void {
  if (typeof client === 'object' && client !== null) return;
  throw refusal('client', client, 'what `createClient` or `createAmplifyClient` gives');
}

/** @throws `TypeError` if it is none. A `prompt` may be an event, of a handler that was handed on as it is. */
export function mustBeText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw refusal(name, value, 'a string');
}

function refusal(name: string, given: unknown, expected: string): TypeError {
  const isNothing = given === null || given === undefined;
  const kind = isNothing ? String(given) : `of the type \`${typeof given}\``;
  return new TypeError(`\`${name}\` is ${kind}, expected ${expected}`);
}
