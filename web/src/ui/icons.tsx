/** The pages' icons: decoration, so that each control names itself. */

import type { ReactNode } from 'react';

function icon(displayName: string, path: ReactNode): () => ReactNode {
  const Icon = (): ReactNode => (
    <svg viewBox="0 0 24 24" width="1em" height="1em" aria-hidden="true" focusable="false">
      <g
        fill="none"
        stroke="currentColor"
        strokeWidth="1.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        {path}
      </g>
    </svg>
  );
  Icon.displayName = displayName;
  return Icon;
}

export const SendIcon = icon('SendIcon', <path d="M12 19V5M6 11l6-6 6 6" />);
export const StopIcon = icon(
  'StopIcon',
  <rect x="7" y="7" width="10" height="10" rx="2" fill="currentColor" />,
);
export const CopyIcon = icon(
  'CopyIcon',
  <>
    <rect x="9" y="9" width="11" height="11" rx="2.5" />
    <path d="M5 15H4.5A1.5 1.5 0 0 1 3 13.5v-9A1.5 1.5 0 0 1 4.5 3h9A1.5 1.5 0 0 1 15 4.5V5" />
  </>,
);
export const CheckIcon = icon('CheckIcon', <path d="m5 12.5 4.5 4.5L19 7.5" />);
export const RetryIcon = icon('RetryIcon', <path d="M20 11a8 8 0 1 0-2.3 6.3M20 4v7h-7" />);
export const PlusIcon = icon('PlusIcon', <path d="M12 5v14M5 12h14" />);
export const MenuIcon = icon('MenuIcon', <path d="M4 7h16M4 12h16M4 17h10" />);
export const CloseIcon = icon('CloseIcon', <path d="m6 6 12 12M18 6 6 18" />);
export const SunIcon = icon(
  'SunIcon',
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4" />
  </>,
);
export const MoonIcon = icon(
  'MoonIcon',
  <path d="M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z" />,
);
export const DownIcon = icon('DownIcon', <path d="M12 5v14M6 13l6 6 6-6" />);
export const TrashIcon = icon(
  'TrashIcon',
  <path d="M4 7h16M10 11v6M14 11v6M6 7l1 12a2 2 0 0 0 2 2h6a2 2 0 0 0 2-2l1-12M9 7V5a1 1 0 0 1 1-1h4a1 1 0 0 1 1 1v2" />,
);
export const CodeIcon = icon('CodeIcon', <path d="m8 8-4 4 4 4M16 8l4 4-4 4M13.5 6l-3 12" />);
export const SignOutIcon = icon(
  'SignOutIcon',
  <path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 8l4 4-4 4M19 12H9" />,
);
export const WarnIcon = icon(
  'WarnIcon',
  <path d="M12 9v4M12 16.5v.5M10.3 4.3 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.3a2 2 0 0 0-3.4 0Z" />,
);
export const SettingsIcon = icon(
  'SettingsIcon',
  <>
    <path d="M4 7h9M19 7h1M4 17h1M11 17h9" />
    <circle cx="16" cy="7" r="2.6" />
    <circle cx="8" cy="17" r="2.6" />
  </>,
);
export const RiverIcon = icon(
  'RiverIcon',
  <path d="M3 7c3-3 6 3 9 0s6 3 9 0M3 12.5c3-3 6 3 9 0s6 3 9 0M3 18c3-3 6 3 9 0s6 3 9 0" />,
);
export const BulbIcon = icon(
  'BulbIcon',
  <path d="M9 17.5h6M10 21h4M12 3a6 6 0 0 0-3.6 10.8c.7.6 1.1 1.4 1.1 2.2v1.5h5V16c0-.8.4-1.6 1.1-2.2A6 6 0 0 0 12 3Z" />,
);
export const PenIcon = icon(
  'PenIcon',
  <path d="M4 20l1-4.5L16.5 4a2.1 2.1 0 0 1 3 3L8.5 19 4 20ZM14.5 6.5l3 3" />,
);
export const TableIcon = icon(
  'TableIcon',
  <>
    <rect x="3.5" y="5" width="17" height="14" rx="2.5" />
    <path d="M3.5 10h17M3.5 14.5h17M12 10v9" />
  </>,
);
export const MoreIcon = icon(
  'MoreIcon',
  <path d="M6 12h.01M12 12h.01M18 12h.01" strokeWidth="2.6" />,
);
export const SearchIcon = icon(
  'SearchIcon',
  <>
    <circle cx="11" cy="11" r="6.5" />
    <path d="m16 16 4.5 4.5" />
  </>,
);
export const EditIcon = icon(
  'EditIcon',
  <path d="M4 20h4L19 9a2.1 2.1 0 0 0-4-4L4 16v4ZM13.5 6.5l4 4" />,
);
export const DownloadIcon = icon('DownloadIcon', <path d="M12 4v11M7 11l5 5 5-5M5 20h14" />);
export const BackIcon = icon('BackIcon', <path d="m14.5 6-6 6 6 6" />);
export const ForthIcon = icon('ForthIcon', <path d="m9.5 6 6 6-6 6" />);
