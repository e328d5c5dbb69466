/** Colours code piece by piece, so that the page stays responsive. */

import { useEffect, useRef, useState } from 'react';

import type { Coloured, Highlight } from './highlight';
import { languageNamed } from './languages';

/** The piece that grows is coloured again so often at most. */
const AGAIN_MS = 100;

/** What is coloured so far, in the order of the pieces. What isn't is plain. */
export function useHighlighted(pieces: readonly string[], name: string): readonly Coloured[] {
  const language = languageNamed(name);
  const [highlight, setHighlight] = useState<Highlight | null>(null);
  const [coloured, setColoured] = useState<readonly Coloured[]>([]);
  useEffect(() => {
    if (language === null) return undefined;
    let left = false;
    const load = async (): Promise<void> => {
      const { highlighterOf } = await import('./highlight');
      const loaded = await highlighterOf(language);
      if (!left) setHighlight(() => loaded);
    };
    // Without colours the code is as good as before.
    load().catch(() => undefined);
    return () => {
      left = true;
    };
  }, [language]);

  const latest = useRef(pieces);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    latest.current = pieces;
    if (highlight === null || timer.current !== undefined) return;
    const next = firstStale(pieces, coloured);
    if (next < 0) return;
    timer.current = setTimeout(
      () => {
        timer.current = undefined;
        const code = latest.current[next];
        if (code === undefined) return;
        const before = next === 0 ? undefined : coloured[next - 1]?.state;
        setColoured([...coloured.slice(0, next), highlight(code, before)]);
      },
      next < coloured.length ? AGAIN_MS : 0,
    );
  }, [pieces, coloured, highlight]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
  return coloured;
}

function firstStale(pieces: readonly string[], coloured: readonly Coloured[]): number {
  return pieces.findIndex((code, index) => coloured[index]?.code !== code);
}
