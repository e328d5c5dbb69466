/** Subscriptions that are refused for their token: the next try has a new one, and a refusal of that is final. */

import { TokencastError } from './errors.js';
import type { Subscription, SubscriptionListener } from './graphql_api.js';
import { isStaleToken } from './graphql_errors.js';

export class Renewal {
  /** What was refused for its token, and hasn't been accepted with a new one yet. */
  readonly #refused = new Set<string>();

  /** Whether the next try takes a new token. */
  isDue(subscription: Subscription): boolean {
    return this.#refused.has(keyOf(subscription));
  }

  /** Tells `listener` of a token that has expired as of a connection that was lost, once it was renewed. */
  listener(
    subscription: Subscription,
    listener: SubscriptionListener,
    renew: () => Promise<void>,
  ): SubscriptionListener {
    const key = keyOf(subscription);
    let accepted = false;
    return {
      established: () => {
        accepted = true;
        this.#refused.delete(key);
        listener.established();
      },
      event: listener.event,
      lost: (error) => {
        // A subscription that was accepted before is refused for its token, whatever the words.
        const expired = isStaleToken(error) || (accepted && error.kind === 'unauthorized');
        if (!expired || this.#refused.has(key)) {
          listener.lost(error);
          return;
        }
        this.#refused.add(key);
        const ended = new TokencastError('connection', 'The token has expired', { cause: error });
        renew().then(() => {
          listener.lost(ended);
        }, listener.lost);
      },
    };
  }
}

function keyOf({ field, variables }: Subscription): string {
  return JSON.stringify([field, variables]);
}
