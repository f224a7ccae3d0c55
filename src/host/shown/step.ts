/** The steps into which a shell command is split. */

/** What stands before a step. */
export type Joint = '' | ';' | '&&' | '||' | '|' | '|&' | '&' | '\n' | ';;';

export interface Step {
  joint: Joint;
  text: string;
  /** 0: of the command itself; one more for what runs inside a step. */
  depth: number;
  /** In what it runs, where it is inside another: `$(…)`, `eval`, `sh -c`. */
  within: string | null;
  /** `shell`; `code` in another language; `input` of a program; `comment`. */
  kind: 'shell' | 'code' | 'input' | 'comment';
  notes: string[];
  /** A long blank before it, counted; null where there is none. */
  gap: string | null;
  /** So often it stands there in a row. */
  times: number;
}

export interface Steps {
  steps: Step[];
  unsure: string[];
}
