/** The messages of a chat: what of them is asked, and what a conversation looks like as messages. */

import type { UIMessage } from 'ai';

import type { Block, ToolResult, ToolUse } from '../blocks.js';
import type { ConversationTurns, Turn } from '../conversation.js';
import { TokencastError } from '../errors.js';
import { isTerminal, type Snapshot } from '../types.js';
import { NO_JSON, sourceOf } from './chunks.js';
import { questionIdOf } from './read_back.js';
import { ToolCalls } from './tool_calls.js';

export interface Asked {
  messageId: string;
  /** Of the parts of the message. */
  texts: string[];
  /** The session that it continues; `null` at the beginning. */
  parentId: string | null;
}

/**
 * The question that a chat's messages end with.
 *
 * @throws `TokencastError` if they don't, or if there is more in it than text
 */
export function askedIn(messages: readonly UIMessage[]): Asked {
  const asked = messages.at(-1);
  if (asked?.role !== 'user') {
    throw refused('The last message has to be the user’s: tools of a page are not supported');
  }
  const texts = asked.parts.map((part) => {
    if (part.type !== 'text') {
      throw refused(`A message may have text, and no part of the type \`${part.type}\``);
    }
    return part.text;
  });
  // An answer's id is its session's. Others, such as a greeting, are of no session.
  const answers = messages.filter(({ role, id }) => role === 'assistant' && UUID.test(id));
  return { messageId: asked.id, texts, parentId: answers.at(-1)?.id ?? null };
}

function refused(message: string): TokencastError {
  const options = { errorType: 'INVALID_PROMPT', retryable: false };
  return new TokencastError('refused', message, options);
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The branch of the newest turn, as messages. An answer that isn't over isn't among them: it is for `resumeStream`. */
export function messagesOf({ turns, lastSessionId }: ConversationTurns): UIMessage[] {
  const known = new Map(turns.map((turn) => [turn.sessionId, turn]));
  const branch: Turn[] = [];
  let turn = known.get(lastSessionId ?? '') ?? turns.at(-1);
  while (turn !== undefined && !branch.includes(turn)) {
    branch.unshift(turn);
    turn = known.get(turn.parentId ?? '');
  }
  return branch.flatMap((one) => [questionOf(one), ...answerOf(one)]);
}

function questionOf({ sessionId, prompt }: Turn): UIMessage {
  const id = questionIdOf(sessionId);
  return { id, role: 'user', parts: [{ type: 'text', text: prompt }] };
}

function answerOf({ sessionId, stream }: Turn): UIMessage[] {
  if (stream === null || !isTerminal(stream.status)) return [];
  const blocks = blocksOf(stream);
  const calls = callsOf(blocks);
  const parts = blocks.flatMap((block) => partOf(sessionId, block, calls));
  const message = { id: sessionId, role: 'assistant' as const };
  return [{ ...message, ...metadataOf(stream), parts: [{ type: 'step-start' }, ...parts] }];
}

/** How an answer ended that is not complete: parts have no words for that. */
function metadataOf({ status, error }: Snapshot): { metadata?: unknown } {
  if (status === 'COMPLETED') return {};
  return {
    metadata: {
      status,
      ...(error ? { error: { code: error.code, message: error.message } } : {}),
    },
  };
}

function blocksOf({ blocks, text }: Snapshot): readonly Block[] {
  return blocks ?? (text === '' ? [] : [{ index: 0, type: 'TEXT', text }]);
}

type Part = UIMessage['parts'][number];

/** A call of a tool: its id, and the last result that came behind it. */
interface Call {
  id: string;
  result?: ToolResult;
}

/** The calls of an answer, by block. */
function callsOf(blocks: readonly Block[]): Map<number, Call> {
  const ids = new ToolCalls();
  const byId = new Map<string, Call>();
  const byBlock = new Map<number, Call>();
  for (const block of blocks) {
    if (block.type === 'TOOL_USE') {
      const call = { id: ids.ofUse(block.index, block.toolUse.toolUseId) };
      byId.set(call.id, call);
      byBlock.set(block.index, call);
    } else if (block.type === 'TOOL_RESULT') {
      const call = byId.get(ids.ofResult(block.toolResult.toolUseId) ?? '');
      if (call !== undefined) call.result = block.toolResult;
    }
  }
  return byBlock;
}

function partOf(sessionId: string, block: Block, calls: Map<number, Call>): Part[] {
  switch (block.type) {
    case 'TEXT':
      return [{ type: 'text', text: block.text, state: 'done' }];
    case 'REASONING':
      return [{ type: 'reasoning', text: block.reasoning, state: 'done' }];
    case 'CITATION':
      return [sourceOf(sessionId, block.index, block.citation)];
    case 'TOOL_USE': {
      const call = calls.get(block.index);
      return call === undefined ? [] : [toolOf(call, block.toolUse)];
    }
    // With its use.
    case 'TOOL_RESULT':
      return [];
  }
}

function toolOf({ id, result }: Call, { name, input }: ToolUse): Part {
  const read = parsed(input ?? '');
  const tool = {
    type: 'dynamic-tool',
    toolCallId: id,
    toolName: name,
    // As it is, if it is no JSON.
    input: read === null ? input : read.value,
    providerExecuted: true,
  } as const;
  if (result === undefined) {
    return read === null
      ? { ...tool, state: 'output-error', errorText: NO_JSON }
      : { ...tool, state: 'input-available' };
  }
  const output = result.content ?? '';
  return result.status === 'error'
    ? { ...tool, state: 'output-error', errorText: output }
    : { ...tool, state: 'output-available', output };
}

/** `null` for what is no JSON. */
function parsed(input: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(input === '' ? '{}' : input) };
  } catch {
    return null;
  }
}
