/** What an event brings to a block, and a block that has grown by it. */

import type { Block, Body, Citation, Piece, ToolResult, ToolUse } from './blocks.js';
import type { TokenEvent } from './types.js';

/** What an event brings; `null` if it is nothing. Without a block's type it is text. */
export function bodyOfEvent(event: TokenEvent): Body | null {
  const { token, reasoning, citation, toolUse, toolResult } = event;
  switch (event.blockType ?? 'TEXT') {
    case 'TEXT':
      return token === '' ? null : { type: 'text', text: token };
    case 'REASONING':
      return { type: 'reasoning', text: reasoning ?? '' };
    case 'CITATION':
      return citation ? citationBody(citation) : null;
    case 'TOOL_USE':
      return toolUse ? toolUseBody(toolUse) : null;
    case 'TOOL_RESULT':
      return toolResult ? toolResultBody(toolResult) : null;
    // A later version's, which this one can't show.
    default:
      return null;
  }
}

/** Whether this version knows the block's type. */
export function isShown(block: { type: string }): boolean {
  return TYPES.has(block.type);
}

const TYPES = new Set<string>(['TEXT', 'REASONING', 'CITATION', 'TOOL_USE', 'TOOL_RESULT']);

/** All of a block, as one piece. */
export function bodyOfBlock(block: Block): Body {
  switch (block.type) {
    case 'TEXT':
      return { type: 'text', text: block.text };
    case 'REASONING':
      return { type: 'reasoning', text: block.reasoning };
    case 'CITATION':
      return citationBody(block.citation);
    case 'TOOL_USE':
      return toolUseBody(block.toolUse);
    case 'TOOL_RESULT':
      return toolResultBody(block.toolResult);
  }
}

/** The block at `index` with a piece more. */
export function withBody(index: number, block: Block | null, body: Body): Block {
  const known = block && bodyOfBlock(block);
  const before = known?.type === body.type ? (contentOf(known) ?? '') : '';
  switch (body.type) {
    case 'text':
      return { index, type: 'TEXT', text: before + body.text };
    case 'reasoning':
      return { index, type: 'REASONING', reasoning: before + body.text };
    case 'toolUse': {
      const toolUse = { ...body.toolUse, input: before + body.toolUse.input };
      return { index, type: 'TOOL_USE', toolUse };
    }
    case 'citation':
      return { index, type: 'CITATION', citation: body.citation };
    case 'toolResult':
      return { index, type: 'TOOL_RESULT', toolResult: body.toolResult };
  }
}

/** Blocks with a piece more. Those that it doesn't belong to stay the same objects. */
export function withPiece(blocks: readonly Block[], piece: Piece): Block[] {
  const { blockIndex } = piece;
  const at = blocks.findIndex(({ index }) => index >= blockIndex);
  const block = blocks[at];
  const grown = withBody(blockIndex, block?.index === blockIndex ? block : null, piece);
  if (block === undefined) return [...blocks, grown];
  const after = block.index === blockIndex ? at + 1 : at;
  return [...blocks.slice(0, at), grown, ...blocks.slice(after)];
}

/** What grows by pieces; `null` of what comes whole. */
export function contentOf(body: Body): string | null {
  switch (body.type) {
    case 'text':
    case 'reasoning':
      return body.text;
    case 'toolUse':
      return body.toolUse.input;
    case 'citation':
    case 'toolResult':
      return null;
  }
}

/** The same piece with other content. What comes whole stays as it is. */
export function withContent(body: Body, content: string): Body {
  switch (body.type) {
    case 'text':
    case 'reasoning':
      return { type: body.type, text: content };
    case 'toolUse':
      return { type: 'toolUse', toolUse: { ...body.toolUse, input: content } };
    case 'citation':
    case 'toolResult':
      return body;
  }
}

/** Whether a piece may be of that block: they differ at most in what grows. */
export function isAlike(block: Block, body: Body): boolean {
  const known = bodyOfBlock(block);
  if (known.type !== body.type) return false;
  if (body.type === 'text' || body.type === 'reasoning') return true;
  return JSON.stringify(withContent(known, '')) === JSON.stringify(withContent(body, ''));
}

// With one order of fields, and without those that are null, so that what says the same looks the same.

function citationBody({ title, url, text }: Citation): Body {
  const citation: Citation = {};
  if (title != null) citation.title = title;
  if (url != null) citation.url = url;
  if (text != null) citation.text = text;
  return { type: 'citation', citation };
}

function toolUseBody({ toolUseId, name, input }: ToolUse): Body {
  return { type: 'toolUse', toolUse: { toolUseId, name, input: input ?? '' } };
}

function toolResultBody({ toolUseId, status, content }: ToolResult): Body {
  const toolResult: ToolResult = { toolUseId };
  if (status != null) toolResult.status = status;
  if (content != null) toolResult.content = content;
  return { type: 'toolResult', toolResult };
}
