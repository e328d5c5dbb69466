/** A modal dialog: the browser keeps the focus inside, and brings it back. */

import { useEffect, useId, useRef, type ReactNode } from 'react';

import { CloseIcon } from './icons';

interface DialogProps {
  title: string;
  /** What closes it is called; where it has no such button, its content has one. */
  closeLabel?: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
}

export function Dialog({ title, closeLabel, open, close, children }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (open) element?.showModal();
    else element?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} onClose={close}>
      {open && (
        <>
          <header>
            <h2 id={id}>{title}</h2>
            {closeLabel !== undefined && (
              <button
                type="button"
                className="quiet"
                aria-label={closeLabel}
                title={closeLabel}
                onClick={close}
              >
                <CloseIcon />
              </button>
            )}
          </header>
          {children}
        </>
      )}
    </dialog>
  );
}
