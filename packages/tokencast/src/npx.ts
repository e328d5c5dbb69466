/**
 * Notices that `npx` or `npm run` is gone. They start this process by a shell, and Debian's neither passes on SIGTERM nor ends
 * when they are killed. So nothing tells this process but its ancestors' process ids.
 */

import { readFileSync, readlinkSync } from 'node:fs';

const LOOK_EVERY_MS = 500;

/** How npm names what starts a program: `npx`, and the scripts of a package. */
const STARTERS = ['exec', 'run', 'run-script', 'start', 'test'];

/** Calls `gone` once, if this process was started by `npx` or `npm run` and that has ended. */
export function onceNpxIsGone(gone: () => void): void {
  if (!STARTERS.includes(process.env.npm_command ?? '')) return;
  const parent = process.ppid;
  const isNpx = isNode(parent);
  const grandparent = isNpx ? undefined : parentOf(parent);
  const looking = setInterval(() => {
    if (process.ppid === parent && (isNpx || parentOf(parent) === grandparent)) return;
    clearInterval(looking);
    gone();
  }, LOOK_EVERY_MS);
  looking.unref();
}

/** Whether a process is Node, and so `npx` itself: some shells put the last command into their own place. */
function isNode(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe');
  } catch {
    // There is no /proc. The shell of macOS is one of those.
    return true;
  }
}

function parentOf(pid: number): number | undefined {
  try {
    // The second field is the program's name in parentheses, and may have any character.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  } catch {
    return undefined;
  }
}
