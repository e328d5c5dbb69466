/** What few people look for: the keys, and what developers may choose. */

import type { ReactNode } from 'react';

import { Dialog } from '../ui/Dialog';
import { SHORTCUTS } from './keys';

interface SettingsDialogProps {
  open: boolean;
  close: () => void;
  /** What there is for developers; nothing where there is no choice. */
  children: ReactNode;
}

export function SettingsDialog({ open, close, children }: SettingsDialogProps): ReactNode {
  return (
    <Dialog title="Settings" closeLabel="Close the settings" open={open} close={close}>
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
    </Dialog>
  );
}
