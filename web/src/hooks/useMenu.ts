/** The list of conversations where it slides in, on a narrow screen. */

import { useCallback, useRef, useState, type RefObject } from 'react';

export interface MenuState {
  menuOpen: boolean;
  menuButton: RefObject<HTMLButtonElement | null>;
  searchField: RefObject<HTMLInputElement | null>;
  openMenu: () => void;
  /** Brings the focus back to where it was opened. */
  closeMenu: () => void;
  hideMenu: () => void;
  /** Shows the list if it isn't there, and goes to its search. */
  search: () => void;
}

export function useMenu(): MenuState {
  const [menuOpen, setMenuOpen] = useState(false);
  const menuButton = useRef<HTMLButtonElement>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const openMenu = useCallback((): void => {
    setMenuOpen(true);
  }, []);
  const hideMenu = useCallback((): void => {
    setMenuOpen(false);
  }, []);
  const closeMenu = useCallback((): void => {
    setMenuOpen(false);
    // Where there is one.
    menuButton.current?.focus();
  }, []);
  const search = useCallback((): void => {
    // There is a button where there is a menu.
    const slides = menuButton.current?.checkVisibility() === true;
    if (slides) setMenuOpen(true);
    requestAnimationFrame(() => searchField.current?.focus());
  }, []);
  return { menuOpen, menuButton, searchField, openMenu, closeMenu, hideMenu, search };
}
