/** A button that opens a list of things to do, by pointer and by keyboard. */

import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react';

import { MoreIcon } from './icons';

export interface MenuItem {
  label: string;
  Icon: () => ReactNode;
  /** What it does can't be undone. */
  isGrave?: boolean;
  act: () => void;
}

interface MenuProps {
  label: string;
  items: readonly MenuItem[];
}

const GAP_PX = 4;
const MARGIN_PX = 8;

export function Menu({ label, items }: MenuProps): ReactNode {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const all = (): HTMLElement[] => [
    ...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? []),
  ];
  const close = (): void => {
    list.current?.hidePopover();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const found = all();
    const at = found.findIndex((item) => item === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Tab') close();
    if (to === undefined) return;
    event.preventDefault();
    found.at(to % found.length)?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className="quiet"
        aria-label={label}
        aria-haspopup="menu"
        title={label}
        popoverTarget={id}
      >
        <MoreIcon />
      </button>
      <div
        ref={list}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        className="menu"
        onKeyDown={onKeyDown}
        onToggle={({ newState }) => {
          if (newState !== 'open' || !button.current || !list.current) return;
          place(list.current, button.current);
          all()[0]?.focus();
        }}
      >
        {items.map(({ label: name, Icon, isGrave = false, act }) => (
          <button
            key={name}
            type="button"
            role="menuitem"
            tabIndex={-1}
            className={isGrave ? 'row grave' : 'row'}
            onClick={() => {
              close();
              act();
            }}
          >
            <Icon /> {name}
          </button>
        ))}
      </div>
    </>
  );
}

/** Below its button, or above it where there is no room; never off the screen. */
function place(list: HTMLElement, button: HTMLElement): void {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = list;
  const { innerWidth, innerHeight } = window;
  const isRight = right - width >= MARGIN_PX;
  const x = Math.min(isRight ? right - width : left, innerWidth - width - MARGIN_PX);
  const fits = bottom + GAP_PX + height <= innerHeight - MARGIN_PX;
  list.style.left = `${Math.max(MARGIN_PX, x)}px`;
  list.style.top = `${Math.max(MARGIN_PX, fits ? bottom + GAP_PX : top - GAP_PX - height)}px`;
}
