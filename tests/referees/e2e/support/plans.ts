/** What goes wrong while a chat is used: each delivery has frames or responses of its own to lose. */

import type { Via } from '../page/settings.js';
import type { Rule } from './control.js';

export type Trouble = 'drops' | 'repeats' | 'restarts';

export const TROUBLES: readonly Trouble[] = ['drops', 'repeats', 'restarts'];

/** Rules that fire within the first answer, whatever its length. `prompt` is part of what starts it. */
export function plan(via: Via, trouble: Trouble, prompt: string): readonly Rule[] {
  // The model's stream ends in the middle, and the next attempt starts the answer again.
  if (trouble === 'restarts') return [CUT_MODEL];
  return via === 'url' || via === 'http'
    ? [response(trouble, prompt)]
    : frames(via === 'appsync' ? 'realtime' : 'websocket', trouble);
}

const CUT_MODEL: Rule = {
  service: 'bedrock',
  operation: 'ConverseStream',
  when: { times: 1 },
  fault: { streamCut: { afterTokens: 2 } },
};

/** Over HTTP, a response breaks off, or its answer is lost altogether, so that the client asks again. */
function response(trouble: 'drops' | 'repeats', prompt: string): Rule {
  const fault = trouble === 'drops' ? { streamReset: { afterTokens: 2 } } : 'lostAnswer';
  const when = { times: 1 };
  return { service: 'functionurl', operation: 'Invoke', contains: prompt, when, fault };
}

function frames(service: string, trouble: 'drops' | 'repeats'): readonly Rule[] {
  const data = { service, operation: 'data' };
  if (trouble === 'repeats')
    return [{ ...data, when: { every: 2 }, fault: { repeat: { times: 2 } } }];
  // A frame is missing, and what comes behind it is the last of its socket.
  return [
    { ...data, when: { after: 1, times: 1 }, fault: 'drop' },
    { ...data, when: { after: 1, times: 1 }, fault: 'disconnect' },
  ];
}
