/** The events of an answer as chunks of the AI SDK's UI message stream. */

import type { UIMessageChunk } from 'ai';

import type { Citation, Piece, ToolResult } from '../blocks.js';
import { ToolCalls } from './tool_calls.js';

/** A part that was begun. */
type Open =
  | { type: 'text' | 'reasoning'; blockIndex: number; id: string }
  | { type: 'toolUse'; blockIndex: number; toolCallId: string; toolName: string; input: string };

export class Chunks {
  readonly #sessionId: string;
  /** At most one: what belongs to another block ends it. */
  #open: Open | null = null;
  #count = 0;
  #calls = new ToolCalls();
  /** The inputs of tools so far whose parts were ended, by block. */
  readonly #inputs = new Map<number, string>();

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** Whether anything of the answer was told. */
  get hasContent(): boolean {
    return this.#count > 0;
  }

  begin(): UIMessageChunk[] {
    return [{ type: 'start', messageId: this.#sessionId }, { type: 'start-step' }];
  }

  piece(piece: Piece): UIMessageChunk[] {
    const chunks: UIMessageChunk[] = [];
    if (this.#open?.blockIndex !== piece.blockIndex) chunks.push(...this.end());
    switch (piece.type) {
      case 'text':
      case 'reasoning':
        chunks.push(...this.#words(piece.type, piece.blockIndex, piece.text));
        break;
      case 'citation':
        chunks.push(sourceOf(this.#sessionId, piece.blockIndex, piece.citation));
        break;
      case 'toolUse':
        chunks.push(...this.#toolUse(piece));
        break;
      case 'toolResult': {
        const id = this.#calls.ofResult(piece.toolResult.toolUseId);
        if (id !== undefined) chunks.push(toolOutput(id, piece.toolResult));
      }
    }
    this.#count += chunks.length;
    return chunks;
  }

  /** Ends what was begun. */
  end(): UIMessageChunk[] {
    const open = this.#open;
    this.#open = null;
    if (open === null) return [];
    switch (open.type) {
      case 'text':
        return [{ type: 'text-end', id: open.id }];
      case 'reasoning':
        return [{ type: 'reasoning-end', id: open.id }];
      case 'toolUse':
        this.#inputs.set(open.blockIndex, open.input);
        return [toolInput(open)];
    }
  }

  /** The answer starts again: nothing of the step stays. */
  reset(): UIMessageChunk[] {
    this.#open = null;
    this.#calls = new ToolCalls();
    this.#inputs.clear();
    return [{ type: 'reset-step' }];
  }

  #words(type: 'text' | 'reasoning', blockIndex: number, delta: string): UIMessageChunk[] {
    const chunks: UIMessageChunk[] = [];
    let open = this.#open;
    if (open?.type !== type) {
      open = { type, blockIndex, id: this.#newId() };
      this.#open = open;
      chunks.push({ type: `${type}-start`, id: open.id });
    }
    if (delta !== '') chunks.push({ type: `${type}-delta`, id: open.id, delta });
    return chunks;
  }

  /** A block that goes on behind another is another part: each has an id of its own. */
  #newId(): string {
    return String(this.#count);
  }

  #toolUse({ blockIndex, toolUse }: Piece & { type: 'toolUse' }): UIMessageChunk[] {
    const { toolUseId, name: toolName } = toolUse;
    const toolCallId = this.#calls.ofUse(blockIndex, toolUseId);
    const chunks: UIMessageChunk[] = [];
    let { input } = toolUse;
    let open = this.#open;
    if (open?.type !== 'toolUse') {
      // A block that goes on behind another begins its call again.
      input = (this.#inputs.get(blockIndex) ?? '') + input;
      open = { type: 'toolUse', blockIndex, toolCallId, toolName, input: '' };
      this.#open = open;
      chunks.push({ type: 'tool-input-start', toolCallId, toolName, ...SERVERS });
    }
    open.input += input;
    if (input !== '') chunks.push({ type: 'tool-input-delta', toolCallId, inputTextDelta: input });
    return chunks;
  }
}

type Source =
  | { type: 'source-url'; sourceId: string; url: string; title?: string }
  | { type: 'source-document'; sourceId: string; mediaType: string; title: string };

/** A citation, as a chunk or as a part of a message. */
export function sourceOf(
  sessionId: string,
  blockIndex: number,
  { title, url, text }: Citation,
): Source {
  const sourceId = `${sessionId}:${blockIndex}`;
  // The address is the model's, and pages make links of it.
  if (url != null && /^https?:/i.test(url)) {
    return { type: 'source-url', sourceId, url, ...(title == null ? {} : { title }) };
  }
  const name = title ?? text ?? url ?? 'Source';
  return { type: 'source-document', sourceId, mediaType: 'text/plain', title: name };
}

/** Of a tool that a page knows nothing of, and doesn't run. */
const SERVERS = { dynamic: true, providerExecuted: true };

/** The error of a call whose input is no JSON. */
export const NO_JSON = 'The input of the tool is no JSON';

function toolInput({ toolCallId, toolName, input }: Open & { type: 'toolUse' }): UIMessageChunk {
  const tool = { toolCallId, toolName, ...SERVERS };
  try {
    return {
      type: 'tool-input-available',
      ...tool,
      input: JSON.parse(input === '' ? '{}' : input),
    };
  } catch {
    return { type: 'tool-input-error', ...tool, input, errorText: NO_JSON };
  }
}

function toolOutput(toolCallId: string, { status, content }: ToolResult): UIMessageChunk {
  const output = content ?? '';
  return status === 'error'
    ? { type: 'tool-output-error', toolCallId, errorText: output, ...SERVERS }
    : { type: 'tool-output-available', toolCallId, output, ...SERVERS };
}

type FinishReason = NonNullable<(UIMessageChunk & { type: 'finish' })['finishReason']>;

/** Bedrock's words for why a model stopped, or ours, in the AI SDK's. */
export function finishReasonOf(stopReason: string | null): FinishReason {
  return REASONS.get(stopReason ?? '') ?? 'other';
}

const REASONS = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['max_answer_bytes', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['guardrail_intervened', 'content-filter'],
  ['content_filtered', 'content-filter'],
  ['tool_use', 'tool-calls'],
]);
