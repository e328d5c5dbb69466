/** An answer's blocks as a page shows them: texts with the marks of their sources, reasoning, tools. */

import type { Block, Citation } from '@tokencast/client';

import { withMark, withoutMarks, type Source } from '../markdown/citations';

export type Part =
  | { kind: 'text'; index: number; text: string }
  /** Without a text, the model keeps it to itself. */
  | { kind: 'reasoning'; index: number; text: string }
  | { kind: 'tool'; index: number; name: string; input: string; result: ToolOutput | null };

export interface ToolOutput {
  content: string;
  isError: boolean;
}

export interface Content {
  parts: Part[];
  /** In the order of their numbers. */
  sources: Source[];
}

/** A text goes on behind a citation; reasoning goes on in its next block. Blanks alone are no part. */
export function contentOf(blocks: readonly Block[]): Content {
  const parts: Part[] = [];
  const sources = new Sources();
  for (const block of blocks) {
    const last = parts.at(-1);
    switch (block.type) {
      case 'TEXT': {
        const text = withoutMarks(block.text);
        if (last?.kind === 'text') last.text += text;
        else if (text !== '') parts.push({ kind: 'text', index: block.index, text });
        break;
      }
      case 'REASONING': {
        const text = block.reasoning;
        if (last?.kind === 'reasoning') last.text = joined(last.text, text);
        else parts.push({ kind: 'reasoning', index: block.index, text });
        break;
      }
      case 'CITATION': {
        const number = sources.number(block.citation);
        const text = last?.kind === 'text' ? last.text : '';
        if (last?.kind === 'text') last.text = withMark(text, number);
        else parts.push({ kind: 'text', index: block.index, text: withMark('', number) });
        break;
      }
      case 'TOOL_USE': {
        const { name, input } = block.toolUse;
        parts.push({ kind: 'tool', index: block.index, name, input: input ?? '', result: null });
        break;
      }
      case 'TOOL_RESULT': {
        const { toolUseId, content, status } = block.toolResult;
        const used = blocks.find(
          (one) => one.type === 'TOOL_USE' && one.toolUse.toolUseId === toolUseId,
        );
        const tool = parts.find((part) => part.kind === 'tool' && part.index === used?.index);
        const result = { content: content ?? '', isError: status === 'error' };
        if (tool?.kind === 'tool') tool.result = result;
        break;
      }
    }
  }
  const shown = parts.filter((part) => part.kind !== 'text' || part.text.trim() !== '');
  return { parts: shown, sources: sources.list };
}

function joined(before: string, text: string): string {
  return before === '' || text === '' ? before + text : `${before}\n\n${text}`;
}

/** The same source has the same number, however often it is cited. */
class Sources {
  readonly list: Source[] = [];
  readonly #known = new Map<string, Source>();

  number({ title, url, text }: Citation): number {
    const href = httpsOnly(url);
    const key = href ?? `${title ?? ''} ${text ?? ''}`;
    const known = this.#known.get(key);
    if (known) return known.number;
    const number = this.list.length + 1;
    const name = title?.trim() ?? '';
    const source: Source = {
      number,
      title: name === '' ? (href === null ? `Source ${number}` : new URL(href).hostname) : name,
      href,
      quote: text?.trim() ?? '',
    };
    this.#known.set(key, source);
    this.list.push(source);
    return number;
  }
}

/** Any other address may be a trap. */
function httpsOnly(url: string | null | undefined): string | null {
  if (!url) return null;
  try {
    const { protocol, href } = new URL(url);
    return protocol === 'https:' ? href : null;
  } catch {
    return null;
  }
}
