/** Which of the platform packages is for a machine. */

/** What is needed of Node's `process`. */
export interface Host {
  platform: string;
  arch: string;
  report?: { excludeNetwork?: boolean; getReport(): object };
}

/** A machine's name, as in `@tokencast/cli-NAME`: `linux-x64`, `linux-x64-musl`, `darwin-arm64`. */
export function machine(host: Host, filesOfLib: () => string[]): string {
  const name = `${host.platform}-${host.arch}`;
  return host.platform === 'linux' && !hasGlibc(host, filesOfLib) ? `${name}-musl` : name;
}

/** The C library that Node itself runs with. */
function hasGlibc(host: Host, filesOfLib: () => string[]): boolean {
  if (host.report) {
    // The names of the machine's peers would be looked up.
    host.report.excludeNetwork = true;
    const { header } = host.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    if (header) return header.glibcVersionRuntime !== undefined;
  }
  try {
    return !filesOfLib().some((file) => file.startsWith('ld-musl-'));
  } catch {
    return true;
  }
}
