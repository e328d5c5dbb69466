/** Keys that work wherever the focus is. */

import { useEffect } from 'react';

import { pageAction, type PageAction } from './keys';

/** Not while a dialog or a menu is open, or anything else has used the key. */
export function useShortcuts(act: (action: PageAction) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || document.querySelector('dialog[open], :popover-open')) return;
      const action = pageAction(event);
      if (action === null) return;
      if (action !== 'stop') event.preventDefault();
      act(action);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [act]);
}
