/** Colours code piece by piece: what is coloured takes its place on the page bit by bit, too. */

import { useEffect, useMemo, useRef, useState } from 'react';

import { openColouring, type Colouring } from './colouring';
import type { ColouredLine } from './highlight';
import { languageNamed } from './languages';

/** The piece that grows is coloured again so often at most. */
const AGAIN_MS = 100;

export interface Coloured {
  code: string;
  lines: ColouredLine[];
}

const NONE: readonly Coloured[] = [];

/** What is coloured so far, in the order of the pieces. What isn't is plain. */
export function useHighlighted(pieces: readonly string[], name: string): readonly Coloured[] {
  const language = languageNamed(name);
  const colouring = useMemo(() => (language === null ? null : openColouring(language)), [language]);
  const [done, setDone] = useState<{ by: Colouring | null; pieces: readonly Coloured[] }>({
    by: null,
    pieces: NONE,
  });
  const coloured = done.by === colouring ? done.pieces : NONE;
  const latest = useRef(pieces);
  /** By whom a piece is being coloured, or could not be. */
  const busy = useRef<Colouring | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      busy.current = null;
      colouring?.close();
    },
    [colouring],
  );
  useEffect(() => {
    latest.current = pieces;
    if (colouring === null || busy.current === colouring) return;
    const next = firstStale(pieces, coloured);
    if (next < 0) return;
    busy.current = colouring;
    const colour = async (): Promise<void> => {
      const code = latest.current[next] ?? '';
      const lines = await colouring.colour(next, code);
      if (lines === null) return;
      if (busy.current === colouring) busy.current = null;
      setDone({ by: colouring, pieces: [...coloured.slice(0, next), { code, lines }] });
    };
    timer.current = setTimeout(
      () => {
        // Where a page may have no workers, code is plain.
        colour().catch(() => undefined);
      },
      next < coloured.length ? AGAIN_MS : 0,
    );
  }, [pieces, coloured, colouring]);
  return coloured;
}

function firstStale(pieces: readonly string[], coloured: readonly Coloured[]): number {
  return pieces.findIndex((code, index) => coloured[index]?.code !== code);
}
