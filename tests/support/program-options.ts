/** The options of a program of the tests: `--help` prints its usage, and so does what it does not take. */
import { parseArgs } from 'node:util';

type Options = Record<string, { type: 'string'; default?: string } | { type: 'boolean'; default?: boolean }>;
type Value<O> = O extends { type: 'string' } ? string : boolean;
type Values<T extends Options> = {
  [Name in keyof T]: T[Name] extends { default: unknown } ? Value<T[Name]> : Value<T[Name]> | undefined;
};

/** @returns their values. Ends the process with 0 after `--help`, with 2 after an option that is not taken. */
export function optionsOf<const T extends Options>(usage: string, options: T): Values<T> {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    const { values }: { values: object } = parseArgs({ options });
    return values as Values<T>;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}\n`);
    process.exit(2);
  }
}
