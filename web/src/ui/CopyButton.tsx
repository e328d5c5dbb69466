/** Copies a text, and says so for a moment. */

import { useEffect, useState, type ReactNode } from 'react';

import { CheckIcon, CopyIcon } from './icons';

const SAID_FOR_MS = 2_000;

interface CopyButtonProps {
  /** A long text is put together when it is copied. */
  text: string | (() => string);
  label: string;
}

export function CopyButton({ text, label }: CopyButtonProps): ReactNode {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => {
      setSaid('');
    }, SAID_FOR_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
      setSaid('Copied');
    } catch {
      setSaid('Not allowed');
    }
  };
  return (
    <button
      type="button"
      className="quiet"
      aria-label={label}
      title={label}
      onClick={() => {
        void copy();
      }}
    >
      {said === 'Copied' ? <CheckIcon /> : <CopyIcon />}
      <span className="said" role="status">
        {said}
      </span>
    </button>
  );
}
