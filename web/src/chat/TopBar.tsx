/** The line above a conversation. */

import { memo, type ReactNode, type Ref } from 'react';

import { MenuIcon } from '../ui/icons';
import { ThemeButton } from '../ui/ThemeButton';

interface TopBarProps {
  title: string;
  menuOpen: boolean;
  openMenu: () => void;
  menuButton: Ref<HTMLButtonElement>;
}

export const TopBar = memo(({ title, menuOpen, openMenu, menuButton }: TopBarProps): ReactNode => {
  return (
    <header className="top-bar">
      <button
        ref={menuButton}
        type="button"
        className="quiet only-narrow"
        aria-label="Open the menu"
        aria-expanded={menuOpen}
        onClick={openMenu}
      >
        <MenuIcon />
      </button>
      <h1>{title}</h1>
      <ThemeButton />
    </header>
  );
});
TopBar.displayName = 'TopBar';
