/** Code in colours, by Shiki; loaded when an answer has code. */

import type { GrammarState, HighlighterCore } from 'shiki/core';
import { createHighlighterCore } from 'shiki/core';
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript';

import { grammarOf } from './languages';

export interface ColouredToken {
  text: string;
  /** The colours of both themes, as custom properties. */
  style: Record<string, string>;
}

export interface Coloured {
  code: string;
  lines: ColouredToken[][];
  /** Where the next piece goes on. */
  state: GrammarState | undefined;
}

export type Highlight = (code: string, before: GrammarState | undefined) => Coloured;

const THEMES = { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' };

let core: Promise<HighlighterCore> | undefined;

export async function highlighterOf(language: string): Promise<Highlight> {
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
  return (code, before) => {
    const { tokens, grammarState } = highlighter.codeToTokens(code, {
      lang: language,
      themes: THEMES,
      defaultColor: false,
      ...(before && { grammarState: before }),
      tokenizeMaxLineLength: 2_000,
      // On a busy machine a limit would leave colours out, and what follows would be wrong.
      tokenizeTimeLimit: 0,
    });
    const lines = tokens.map((line) =>
      line.map(({ content, htmlStyle }) => ({ text: content, style: htmlStyle ?? {} })),
    );
    return { code, lines, state: grammarState };
  };
}
