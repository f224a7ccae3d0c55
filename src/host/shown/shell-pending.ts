/** A step of a shell command while it is being read. */
import type { Runs } from './shell-runs.ts';
import type { Word } from './shell-words.ts';
import type { Joint, Step } from './step.ts';

export interface Heredoc {
  end: string;
  quoted: boolean;
  dashed: boolean;
  of: Pending;
}

/** A step while it is read. */
export interface Pending {
  joint: Joint;
  start: number;
  words: Word[];
  step: Step | null;
  runs: Runs | null;
  /** What `<<<` and here-documents give it to read. */
  input: string | null;
  background: boolean;
  /** What reads what this one prints. */
  into: Pending | null;
  /** A redirection of it is a connection. */
  connects: boolean;
}

export function pending(joint: Joint, start: number): Pending {
  return {
    joint,
    start,
    words: [],
    step: null,
    runs: null,
    input: null,
    background: false,
    into: null,
    connects: false,
  };
}
