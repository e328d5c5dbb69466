/** Scrolls along with what grows, unless the reader has scrolled up. */

import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';

import { DownIcon } from '../ui/icons';

/** So near to the end counts as at the end. */
const NEAR_PX = 60;

interface ScrollPaneProps {
  /** When it changes, the end is what its reader wants to see. */
  endOf: string | null;
  children: ReactNode;
}

export function ScrollPane({ endOf, children }: ScrollPaneProps): ReactNode {
  const pane = useRef<HTMLDivElement>(null);
  const column = useRef<HTMLDivElement>(null);
  const scrolledTo = useRef(0);
  const [atEnd, setAtEnd] = useState(true);
  const [before, setBefore] = useState(endOf);
  if (before !== endOf) {
    setBefore(endOf);
    setAtEnd(true);
  }
  useLayoutEffect(() => {
    const element = pane.current;
    if (!element || !column.current || !atEnd) return undefined;
    const toEnd = (): void => {
      element.scrollTop = element.scrollHeight;
    };
    toEnd();
    // Whatever makes it longer: words, colours, a diagram that is drawn later; or the pane lower, such as a phone's keyboard.
    const observer = new ResizeObserver(toEnd);
    observer.observe(column.current);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [atEnd]);
  return (
    <div className="scroll-area">
      <div
        ref={pane}
        className="scroll-pane"
        tabIndex={-1}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          const isNear = scrollTop + clientHeight >= scrollHeight - NEAR_PX;
          // Further from the end, since there is more: that is not the reader's doing.
          if (isNear) setAtEnd(true);
          else if (scrollTop < scrolledTo.current) setAtEnd(false);
          scrolledTo.current = scrollTop;
        }}
      >
        <div ref={column} className="column">
          {children}
        </div>
      </div>
      {!atEnd && (
        <button
          type="button"
          className="to-end"
          aria-label="Go to the end"
          title="Go to the end"
          onClick={() => {
            setAtEnd(true);
          }}
        >
          <DownIcon />
        </button>
      )}
    </div>
  );
}
