/** How much a user may ask for: the figures, their ranges, and how the functions get them. */

/** What one user may do: whole numbers from 0. A limit that is left out does not exist. */
export interface QuotaLimits {
  /** How many sessions may be started in a minute. @default - no limit */
  readonly startsPerMinute?: number;
  /** How many sessions may be started in a day (UTC). @default - no limit */
  readonly startsPerDay?: number;
  /** How many tokens, of prompts and answers together, may be used in a day (UTC). @default - no limit */
  readonly tokensPerDay?: number;
  /** How many sessions may be under way at once. @default - no limit */
  readonly sessionsAtOnce?: number;
}

/** The limits of every user, by group. */
export interface Quotas {
  /** The limits of users of no group in `groups`. @default - none */
  readonly default?: QuotaLimits;
  /** The limits of Cognito groups. For a user of several, the most generous figure of each limit counts. @default - none */
  readonly groups?: Readonly<Record<string, QuotaLimits>>;
}

/** What the app gives to deployments that say nothing about quotas. */
export const APP_QUOTAS: Quotas = {
  default: { startsPerMinute: 20, startsPerDay: 200, tokensPerDay: 500_000, sessionsAtOnce: 4 },
};

const UNITS: Readonly<Record<keyof QuotaLimits, string>> = {
  startsPerMinute: 'starts a minute',
  startsPerDay: 'starts a day',
  tokensPerDay: 'tokens a day',
  sessionsAtOnce: 'sessions at once',
};

/** The names of the limits. */
export const LIMIT_NAMES = Object.keys(UNITS) as (keyof QuotaLimits)[];

/** The most that a GraphQL `Int` holds. */
const MAX_LIMIT = 2_147_483_647;

/** Of the 4 KB that Lambda's whole environment may take, what is left for quotas and a system prompt. */
const MAX_BYTES = 2800;

/** What is wrong with `quotas`, each problem with its place. */
export function quotaProblems(quotas: unknown): string[] {
  if (!isObject(quotas)) {
    return ['`quotas`: is no object, expected `default`, `groups` or both'];
  }
  const problems = unknownFields('quotas', quotas, ['default', 'groups']);
  if (quotas['default'] !== undefined) {
    problems.push(...limitProblems('quotas.default', quotas['default']));
  }
  const { groups } = quotas;
  if (groups !== undefined && !isObject(groups)) {
    problems.push('`quotas.groups`: is no object, expected limits by the name of a group');
  }
  for (const [name, limits] of Object.entries(isObject(groups) ? groups : {})) {
    // Cognito's own rule for a group's name.
    if (!/^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u.test(name)) {
      problems.push(`\`quotas.groups.${name}\`: is no group's name, expected 1 to 128 characters without spaces`);
    }
    problems.push(...limitProblems(`quotas.groups.${name}`, limits));
  }
  return problems;
}

/** The quotas as the functions read them. They share Lambda's environment with a system prompt. */
export function quotasVariable(quotas: Quotas, systemPrompt = ''): string {
  const problems = quotaProblems(quotas);
  if (problems.length > 0) {
    throw new Error(problems.join('; '));
  }
  const variable = JSON.stringify(quotas);
  const bytes = Buffer.byteLength(variable) + Buffer.byteLength(systemPrompt);
  if (bytes > MAX_BYTES) {
    throw new Error(
      `\`quotas\` and \`systemPrompt\` are ${bytes} bytes long together, expected at most ${MAX_BYTES}, because Lambda's ` +
        "environment has 4 KB: have fewer groups, or put the prompt into an assistants' file",
    );
  }
  return variable;
}

/** The quotas in a sentence, for whoever deploys them. */
export function describeQuotas({ default: byDefault = {}, groups = {} }: Quotas): string {
  const parts = [`for each user ${describeLimits(byDefault)}`];
  for (const [name, limits] of Object.entries(groups)) {
    parts.push(`in the group \`${name}\` ${describeLimits(limits)}`);
  }
  return parts.join('; ');
}

function describeLimits(limits: QuotaLimits): string {
  const parts = LIMIT_NAMES.flatMap((name) => {
    const limit = limits[name];
    return limit === undefined ? [] : [`${limit.toLocaleString('en-US')} ${UNITS[name]}`];
  });
  return parts.length > 0 ? parts.join(', ') : 'no limit';
}

function limitProblems(place: string, limits: unknown): string[] {
  if (!isObject(limits)) {
    return [`\`${place}\`: is no object, expected limits: ${LIMIT_NAMES.join(', ')}`];
  }
  const problems = unknownFields(place, limits, LIMIT_NAMES);
  for (const name of LIMIT_NAMES) {
    const { [name]: limit } = limits;
    if (limit !== undefined && !(Number.isInteger(limit) && (limit as number) >= 0 && (limit as number) <= MAX_LIMIT)) {
      problems.push(
        `\`${place}.${name}\`: is ${JSON.stringify(limit)}, expected a whole number from 0 to ${MAX_LIMIT}`,
      );
    }
  }
  return problems;
}

function unknownFields(place: string, object: Readonly<Record<string, unknown>>, known: readonly string[]): string[] {
  return Object.keys(object)
    .filter((name) => !known.includes(name))
    .map((name) => `\`${place}.${name}\`: is unknown, expected ${known.map((it) => `\`${it}\``).join(', ')}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
