/** What the caller may ask and has used: always by GraphQL, whatever the delivery of answers. */

import { ASSISTANTS, USAGE } from './account_operations.js';
import type { Timeouts } from './bounds.js';
import { TokencastError } from './errors.js';
import type { GraphqlApi } from './graphql_api.js';
import { within } from './within.js';

/** A named set of a model, its instructions and its limits. */
export interface Assistant {
  /** What a start names. */
  name: string;
  /** For people to read. */
  title: string | null;
  description: string | null;
  /** Whether it answers where a start names none. */
  isDefault: boolean;
  /** Whether it may show its reasoning. */
  reasons: boolean;
  /** The most output tokens of an answer. */
  maxTokens: number;
}

/** What the caller has used of a day's quota. */
export interface Usage {
  /** The day, in UTC: `2026-11-28`. */
  day: string;
  /** When the next day begins: ISO 8601, UTC. */
  resetsAt: string;
  startsPerMinute: UsageLimit;
  startsPerDay: UsageLimit;
  tokensPerDay: UsageLimit;
  sessionsAtOnce: UsageLimit;
  /** The day's cost in US dollars; `null` where no model has a price. */
  cost: number | null;
}

export interface UsageLimit {
  /** With what is reserved for the sessions that are not over. */
  used: number;
  /** `null`: there is no such limit. */
  limit: number | null;
  left: number | null;
}

export interface Account {
  /** The assistants that a start may name, in the order of their names. */
  assistants(): Promise<Assistant[]>;
  /** What the caller has used of today's quota, and what is left of it. */
  usage(): Promise<Usage>;
}

/** Over any API. */
export function accountOver(api: GraphqlApi, timeouts: Timeouts): Account {
  const call = <T>(query: string): Promise<T> =>
    within(timeouts.call, api.call<T>(query, {}), 'The API does not answer');
  return {
    async assistants() {
      const { assistants } = await call<{ assistants: Assistant[] }>(ASSISTANTS);
      return assistants;
    },
    async usage() {
      const { usage } = await call<{ usage: Usage }>(USAGE);
      return usage;
    },
  };
}

/** Of a client without GraphQL. */
export const NO_ACCOUNT: Account = {
  assistants: () => Promise.reject(noGraphql()),
  usage: () => Promise.reject(noGraphql()),
};

function noGraphql(): TokencastError {
  const message = 'This client was made without GraphQL, which assistants and usage need';
  return new TokencastError('refused', message, { retryable: false });
}
