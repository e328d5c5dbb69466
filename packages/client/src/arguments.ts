/** What a caller without a compiler hands in, refused by its name, with what it is and what was expected. */

/** @throws `TypeError` unless it is right. A string isn't shown: it may be a prompt, or a token. */
export function mustBe(isRight: boolean, name: string, given: unknown, expected: string): void {
  if (!isRight) throw refusal(name, kindOf(given), expected);
}

/** @throws `TypeError` unless it is one of them */
export function mustBeOneOf(name: string, given: unknown, choices: readonly string[]): void {
  if (choices.includes(given as string)) return;
  const quoted = choices.map((choice) => `\`${choice}\``);
  throw refusal(name, shown(given), `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`);
}

/** @throws `TypeError` unless it is an address with that scheme, or the same over TLS; or a path of the page's own server */
export function mustBeAddress(name: string, given: unknown, scheme: 'http' | 'ws'): void {
  const isPath = (text: string) => scheme === 'http' && /^\/([^/]|$)/.test(text);
  const isAddress = new RegExp(`^${scheme}s?://[^/]`, 'i');
  if (typeof given === 'string' && (isAddress.test(given) || isPath(given))) return;
  throw refusal(name, shown(given), `an address with \`${scheme}s://\` or \`${scheme}://\``);
}

/** @throws `TypeError` unless each name is one of the defaults', with a number that a timer can wait */
export function mustBeTimes(name: string, given: unknown, defaults: object): void {
  mustBe(isObject(given), name, given, 'an object');
  for (const [key, ms] of Object.entries(given as Record<string, unknown>)) {
    const known = Object.keys(defaults);
    if (!known.includes(key))
      throw refusal(`${name}.${key}`, 'unknown', `one of ${known.join(', ')}`);
    const isTime = typeof ms === 'number' && ms >= 0 && ms <= LONGEST_MS;
    mustBe(ms === undefined || isTime, `${name}.${key}`, ms, `milliseconds, 0 to ${LONGEST_MS}`);
  }
}

/** Told to wait longer, a timer fires at once. */
const LONGEST_MS = 0x7fff_ffff;

export function isText(value: unknown): boolean {
  return typeof value === 'string';
}

export function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Whether it is left out, or right. */
export function maybe(value: unknown, isRight: (value: unknown) => boolean): boolean {
  return value == null || isRight(value);
}

function refusal(name: string, given: string, expected: string): TypeError {
  return new TypeError(`\`${name}\` is ${given}, expected ${expected}`);
}

function shown(given: unknown): string {
  return typeof given === 'string' ? JSON.stringify(given) : kindOf(given);
}

function kindOf(given: unknown): string {
  switch (typeof given) {
    case 'string':
      return 'a string';
    case 'function':
      return 'a function';
    case 'object':
      if (given === null) return 'null';
      return Array.isArray(given) ? 'an array' : 'an object';
    default:
      return String(given);
  }
}
