/** Chromium's trace of a page: what its main thread did, by its processor time. */

import { expect, test } from '../e2e/support/fixtures';

export interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** When it began, and how long it took, in microseconds. */
  ts: number;
  dur?: number;
  /** Processor time, in microseconds. */
  tdur?: number;
  args: { name?: string };
}

export function read(trace: Buffer): TraceEvent[] {
  return (JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }).traceEvents;
}

export function mainThreadTasks(trace: TraceEvent[]): TraceEvent[] {
  const thread = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const main = new Set(
    trace
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(thread),
  );
  const tasks = trace.filter(
    (event) => event.ph === 'X' && event.name.endsWith('RunTask') && main.has(thread(event)),
  );
  expect(tasks.length).toBeGreaterThan(10);
  return tasks;
}

/** How long the page's main thread was at work between each two marks, in milliseconds of its processor time. */
export function busyBetween(trace: TraceEvent[], begin: string, end: string): number[] {
  const at = (mark: string): number[] =>
    trace.filter(({ name }) => name === mark).map(({ ts }) => ts);
  const [begins, ends] = [at(begin), at(end)];
  expect(begins.length).toBe(ends.length);
  const tasks = mainThreadTasks(trace);
  return begins.map((from, run) =>
    tasks
      .filter(({ ts, dur = 0 }) => ts + dur > from && ts < (ends[run] ?? 0))
      .reduce((sum, { tdur = 0 }) => sum + tdur / 1_000, 0),
  );
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}

export function spread(values: number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `median ${median(values).toFixed(0)} ms, ${least.toFixed(0)} to ${most.toFixed(0)} ms, of ${values.length}`;
}

export function report(description: string): void {
  test.info().annotations.push({ type: 'measured', description });
  console.log(`    ${description}`);
}
