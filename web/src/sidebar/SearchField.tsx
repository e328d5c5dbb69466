/** Where words are written that titles are searched for. */

import type { ReactNode, Ref } from 'react';

import { SearchIcon } from '../ui/icons';

interface SearchFieldProps {
  ref: Ref<HTMLInputElement>;
  query: string;
  setQuery: (query: string) => void;
}

export function SearchField({ ref, query, setQuery }: SearchFieldProps): ReactNode {
  return (
    <label className="search">
      <SearchIcon />
      <input
        ref={ref}
        type="search"
        value={query}
        placeholder="Search"
        aria-label="Search in the titles"
        autoComplete="off"
        dir="auto"
        onChange={(event) => {
          setQuery(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || query === '') return;
          event.preventDefault();
          setQuery('');
        }}
      />
    </label>
  );
}
