/** A source's number within the text: opens what is known of it. */

import { useContext, useId, useRef, type CSSProperties, type ReactNode } from 'react';

import { SourcesContext } from './citations';
import { SourceLink } from './SourceLink';

/** As wide as the style makes it, at most. */
const WIDTH_PX = 320;
const MARGIN_PX = 8;

export function CitationMark({ number }: { number: number }): ReactNode {
  const source = useContext(SourcesContext).get(number);
  const id = useId();
  const mark = useRef<HTMLButtonElement>(null);
  const details = useRef<HTMLSpanElement>(null);
  const stay = useRef<AbortController>(null);
  if (!source) return null;
  return (
    <>
      <button
        ref={mark}
        type="button"
        className="citation-mark"
        popoverTarget={id}
        aria-label={`Source ${number}: ${source.title}`}
        title={source.title}
      >
        {number}
      </button>
      <span
        ref={details}
        id={id}
        popover="auto"
        className="citation"
        onBeforeToggle={({ newState }) => {
          stay.current?.abort();
          if (newState !== 'open') return;
          stay.current = new AbortController();
          const { signal } = stay.current;
          const place = (): void => {
            if (!mark.current || !details.current) {
              stay.current?.abort();
              return;
            }
            Object.assign(details.current.style, placeBeside(mark.current));
          };
          place();
          // An answer that grows takes its marks along.
          document.addEventListener('scroll', place, { capture: true, signal });
        }}
      >
        <SourceLink source={source} />
        {source.quote !== '' && (
          <q dir="auto" cite={source.href ?? undefined}>
            {source.quote}
          </q>
        )}
      </span>
    </>
  );
}

/** Below the mark, or above it where there is more room. */
function placeBeside(mark: HTMLElement): CSSProperties {
  const { left, top, bottom } = mark.getBoundingClientRect();
  const { innerWidth, innerHeight } = window;
  const width = Math.min(WIDTH_PX, innerWidth - 2 * MARGIN_PX);
  const x = Math.max(MARGIN_PX, Math.min(left, innerWidth - width - MARGIN_PX));
  const isBelow = bottom < innerHeight / 2;
  return {
    width: `${width}px`,
    left: `${x}px`,
    top: isBelow ? `${bottom + 4}px` : 'auto',
    bottom: isBelow ? 'auto' : `${innerHeight - top + 4}px`,
  };
}
