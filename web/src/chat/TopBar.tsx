/** The line above a conversation. */

import type { ReactNode } from 'react';

import { MenuIcon } from '../ui/icons';
import { ThemeButton } from '../ui/ThemeButton';

interface TopBarProps {
  title: string;
  menuOpen: boolean;
  openMenu: () => void;
}

export function TopBar({ title, menuOpen, openMenu }: TopBarProps): ReactNode {
  return (
    <header className="top-bar">
      <button
        type="button"
        className="quiet only-narrow"
        aria-label="Open the menu"
        aria-expanded={menuOpen}
        onClick={openMenu}
      >
        <MenuIcon />
      </button>
      <h1 title={title}>{title}</h1>
      <ThemeButton />
    </header>
  );
}
