/** What few people look for: the keys, and what developers may choose. */

import { useEffect, useRef, type ReactNode } from 'react';

import { CloseIcon } from '../ui/icons';
import { SHORTCUTS } from './keys';

interface SettingsDialogProps {
  open: boolean;
  close: () => void;
  /** What there is for developers; nothing where there is no choice. */
  children: ReactNode;
}

export function SettingsDialog({ open, close, children }: SettingsDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    // Modal: the browser keeps the focus inside, and brings it back.
    if (open) element?.showModal();
    else element?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="settings" aria-labelledby="settings" onClose={close}>
      {open && (
        <>
          <header>
            <h2 id="settings">Settings</h2>
            <button
              type="button"
              className="quiet"
              aria-label="Close the settings"
              title="Close the settings"
              onClick={close}
            >
              <CloseIcon />
            </button>
          </header>
          <h3>Keyboard</h3>
          <dl>
            {SHORTCUTS.map(([keys, what]) => (
              <div key={what}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
          {children}
        </>
      )}
    </dialog>
  );
}
