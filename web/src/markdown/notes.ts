/** The footnotes' numbers, for the marks within the text. */

import { createContext } from 'react';

export interface Notes {
  /** Begins the ids of this answer's footnotes. */
  prefix: string;
  numbers: ReadonlyMap<string, number>;
}

export const NotesContext = createContext<Notes>({ prefix: '', numbers: new Map() });

/** Shows an element of the page. Not by its address, where the page's route is. */
export function goTo(id: string): void {
  const element = document.getElementById(id);
  element?.scrollIntoView({ block: 'center' });
  element?.focus({ preventScroll: true });
}
