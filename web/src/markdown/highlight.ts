/** Code in colours, by Shiki. Only the worker loads it: compiling a language's expressions takes longer than a page may pause. */

import type { GrammarState, HighlighterCore, ThemedToken } from 'shiki/core';
import { createHighlighterCore } from 'shiki/core';
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript';

import { grammarOf } from './languages';

export interface ColouredToken {
  text: string;
  /** The colours of both themes, as custom properties. */
  style: Record<string, string>;
}

export type ColouredLine = ColouredToken[];

/** Colours the piece at `index` of a block, which goes on where the piece before it ended. */
export type Highlight = (index: number, code: string) => ColouredLine[];

const THEMES = { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' };

let core: Promise<HighlighterCore> | undefined;

/** A highlighter of one block, whose pieces come in their order; any of them may come again. */
export async function highlightBlock(language: string): Promise<Highlight> {
  core ??= createHighlighterCore({
    themes: [
      import('shiki/themes/github-light-high-contrast.mjs'),
      import('shiki/themes/github-dark-high-contrast.mjs'),
    ],
    // Without WebAssembly, which a page's security policy may forbid.
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
  const highlighter = await core;
  await highlighter.loadLanguage(grammarOf(language));
  /** Where each piece ended. */
  const states: (GrammarState | undefined)[] = [];
  return (index, code) => {
    const before = index === 0 ? undefined : states[index - 1];
    const { tokens, grammarState } = highlighter.codeToTokens(code, {
      lang: language,
      themes: THEMES,
      defaultColor: false,
      ...(before && { grammarState: before }),
      tokenizeMaxLineLength: 2_000,
      // On a busy machine a limit would leave colours out, and what follows would be wrong.
      tokenizeTimeLimit: 0,
    });
    states[index] = grammarState;
    return tokens.map(joined);
  };
}

/** Neighbours of one colour are one element of the page. */
function joined(line: readonly ThemedToken[]): ColouredLine {
  const tokens: ColouredLine = [];
  for (const { content, htmlStyle } of line) {
    const style: Record<string, string> = htmlStyle ?? {};
    const last = tokens.at(-1);
    if (last && (content.trim() === '' || isSame(last.style, style))) last.text += content;
    else tokens.push({ text: content, style });
  }
  return tokens;
}

function isSame(one: Record<string, string>, other: Record<string, string>): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}
