/** One kind of thing that contributors add, as the tests of adding carry it out. */
import type { Scratch } from './scratch.ts';

export interface Addition {
  /** Of the test: what is added, and what is written for it. */
  name: string;
  /** Adds it to the copy, generated files included, and checks what was touched. */
  add(scratch: Scratch): void;
  /** Tests of the copy that have to pass once everything is added. */
  tests: string[];
  /** What it does in a running program: registers tests that run once everything is added. */
  live?: (scratch: () => Scratch) => void;
}
