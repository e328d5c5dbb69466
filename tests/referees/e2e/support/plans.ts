/** What goes wrong while a chat is used: each delivery has frames or responses of its own to lose. */

import type { Via } from '../page/settings.js';
import type { Rule } from './control.js';

/**
 * `restarts`: the model's stream ends in mid answer. `kills`: the function that answers is killed in mid answer, and another
 * takes over once its lease has ended. In both cases the next attempt begins the answer anew.
 */
export type Trouble = 'drops' | 'repeats' | 'restarts' | 'kills';

export const TROUBLES: readonly Trouble[] = ['drops', 'repeats', 'restarts', 'kills'];

/** Rules that fire within the next answer, whatever its length. `prompt` is part of what starts it. */
export function plan(via: Via, trouble: Trouble, prompt: string): readonly Rule[] {
  switch (trouble) {
    case 'restarts':
      return [CUT_MODEL];
    case 'kills':
      return [kill(via)];
    default:
      return isHttp(via)
        ? [response(trouble, prompt)]
        : frames(via === 'appsync' ? 'realtime' : 'websocket', trouble);
  }
}

/** Whether answers are responses of the Function URL. */
export function isHttp(via: Via): boolean {
  return via === 'url' || via === 'http';
}

const ONCE = { times: 1 };

const CUT_MODEL: Rule = {
  service: 'bedrock',
  operation: 'ConverseStream',
  when: ONCE,
  fault: { streamCut: { afterTokens: 2 } },
};

/** Kills whoever answers: a worker when it sends its second event, a Function URL's function when it saves its progress. */
function kill(via: Via): Rule {
  const fault = { killCaller: {} };
  if (isHttp(via)) {
    const contains = 'STREAMING';
    return { service: 'dynamodb', caller: 'function-url', contains, when: ONCE, fault };
  }
  const [service, operation] =
    via === 'appsync' ? ['appsync', 'publishToken'] : ['executeapi', 'PostToConnection'];
  return { service, operation, caller: 'worker', when: { after: 1, ...ONCE }, fault };
}

/** Over HTTP, a response breaks off, or its answer is lost altogether, so that the client asks again. */
function response(trouble: 'drops' | 'repeats', prompt: string): Rule {
  const fault = trouble === 'drops' ? { streamReset: { afterTokens: 2 } } : 'lostAnswer';
  return { service: 'functionurl', operation: 'Invoke', contains: prompt, when: ONCE, fault };
}

function frames(service: string, trouble: 'drops' | 'repeats'): readonly Rule[] {
  const data = { service, operation: 'data' };
  if (trouble === 'repeats')
    return [{ ...data, when: { every: 2 }, fault: { repeat: { times: 2 } } }];
  // A frame is missing, and what comes behind it is the last of its socket.
  return [
    { ...data, when: { after: 1, ...ONCE }, fault: 'drop' },
    { ...data, when: { after: 1, ...ONCE }, fault: 'disconnect' },
  ];
}
