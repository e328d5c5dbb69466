/** Scrolls along with what grows, unless the reader has scrolled up. */

import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';

import { DownIcon } from '../ui/icons';

/** So near to the end counts as at the end. */
const NEAR_PX = 60;

export function ScrollPane({
  follow,
  children,
}: {
  follow: string;
  children: ReactNode;
}): ReactNode {
  const pane = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  useLayoutEffect(() => {
    const element = pane.current;
    if (element && atEnd) element.scrollTop = element.scrollHeight;
  }, [follow, atEnd]);
  return (
    <div className="scroll-area">
      <div
        ref={pane}
        className="scroll-pane"
        tabIndex={-1}
        onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
          setAtEnd(scrollTop + clientHeight >= scrollHeight - NEAR_PX);
        }}
      >
        <div className="column">{children}</div>
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
