/** Changes between light and dark. */

import type { ReactNode } from 'react';

import { useTheme } from '../hooks/useTheme';
import { MoonIcon, SunIcon } from './icons';

export function ThemeButton(): ReactNode {
  const [theme, toggle] = useTheme();
  const label = theme === 'dark' ? 'Light colours' : 'Dark colours';
  return (
    <button type="button" className="quiet" aria-label={label} title={label} onClick={toggle}>
      {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
    </button>
  );
}
