/** The control endpoint of a local stack: docs/FAULTS.md. */

export interface Rule {
  service: string;
  operation?: string;
  contains?: string;
  caller?: string;
  when?: { after?: number; every?: number; times?: number; probability?: number };
  fault: string | object;
}

export interface Control {
  faults(rules: readonly Rule[]): Promise<void>;
  /** How often each rule has fired. */
  fired(): Promise<number[]>;
  /** Moves the stack's clock: leases and visibility timeouts end, and nobody waits for them. */
  advance(ms: number): Promise<void>;
}

export function controlOf(controlUrl: string): Control {
  async function ask(method: string, path: string, body?: object): Promise<unknown> {
    const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(controlUrl + path, request);
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response.json();
  }
  return {
    faults: async (rules) => {
      await ask('PUT', 'faults', { rules });
    },
    fired: async () => {
      const { report } = (await ask('GET', 'faults')) as { report: { fired: number }[] };
      return report.map(({ fired }) => fired);
    },
    advance: async (ms) => {
      await ask('POST', 'clock/advance', { ms });
    },
  };
}
