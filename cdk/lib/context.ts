/** The context (`-c name=value`, or `cdk.json`), checked: each error names the value, what it is, and what was expected. */
import { readFileSync } from 'node:fs';
import { Node } from 'constructs';

/** Reads values and collects what is wrong with them, so that all of it is told at once. */
export class ContextReader {
  private readonly known = new Set<string>();
  private readonly problems: string[] = [];

  constructor(private readonly node: Node) {}

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || value === '') {
      return undefined;
    }
    if (typeof value === 'string') {
      return value;
    }
    this.problem(name, value, 'a text');
    return undefined;
  }

  /** Several texts, separated by commas. */
  list(name: string): string[] | undefined {
    const value = this.get(name);
    const parts: unknown[] | undefined = typeof value === 'string' ? value.split(',') : asList(value);
    if (value === undefined || value === '') {
      return undefined;
    }
    if (parts?.every((part): part is string => typeof part === 'string' && part.trim() !== '')) {
      return parts.map((part) => part.trim());
    }
    this.problem(name, value, 'names separated by commas');
    return undefined;
  }

  /** JSON: as it is in `cdk.json`, written out, or in the file of this path; or the one word that may be in its place. */
  json(name: string, word: string): unknown {
    const value = this.get(name);
    if (value === undefined || value === '') {
      return undefined;
    }
    if (typeof value !== 'string' || value === word) {
      return value;
    }
    try {
      return JSON.parse(/^\s*\{/.test(value) ? value : readFileSync(value, 'utf8')) as unknown;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.refuse(`\`${name}\` is \`${value}\`, expected JSON, the path of a JSON file, or \`${word}\`: ${reason}`);
      return undefined;
    }
  }

  flag(name: string): boolean | undefined {
    const value = this.get(name);
    if (value === undefined || value === '') {
      return undefined;
    }
    if (value === true || value === 'true') {
      return true;
    }
    if (value === false || value === 'false') {
      return false;
    }
    this.problem(name, value, '`true` or `false`');
    return undefined;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.get(name);
    if (value === undefined || value === '') {
      return undefined;
    }
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      this.problem(name, value, choices.map((choice) => `\`${choice}\``).join(' or '));
    }
    return found;
  }

  whole(name: string, minimum: number, maximum: number): number | undefined {
    return this.numberWithin(name, minimum, maximum, Number.isInteger);
  }

  fraction(name: string, minimum: number, maximum: number): number | undefined {
    return this.numberWithin(name, minimum, maximum, Number.isFinite);
  }

  /** Notes what is wrong with values that were read. */
  refuse(problem: string): void {
    this.problems.push(problem);
  }

  /** Throws what was wrong, and names that nothing reads: a mistyped name would be ignored in silence. */
  finish(): void {
    // What the toolkit itself keeps here has other characters in its names.
    for (const name of Object.keys(this.node.getAllContext() as object)) {
      if (/^[a-z]\w*$/i.test(name) && !this.known.has(name)) {
        this.problems.push(`\`${name}\` is no context value of this app: see cdk/README.md`);
      }
    }
    if (this.problems.length > 0) {
      throw new Error(this.problems.join('; '));
    }
  }

  private numberWithin(
    name: string,
    minimum: number,
    maximum: number,
    accept: (value: unknown) => boolean,
  ): number | undefined {
    const value = this.get(name);
    if (value === undefined || value === '') {
      return undefined;
    }
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number === 'number' && accept(number) && number >= minimum && number <= maximum) {
      return number;
    }
    this.problem(name, value, `${minimum} to ${maximum}`);
    return undefined;
  }

  private get(name: string): unknown {
    this.known.add(name);
    return this.node.tryGetContext(name) as unknown;
  }

  private problem(name: string, value: unknown, expected: string): void {
    const got = typeof value === 'string' ? value : JSON.stringify(value);
    this.problems.push(`\`${name}\` is \`${got}\`, expected ${expected}`);
  }
}

function asList(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? (value as unknown[]) : undefined;
}
