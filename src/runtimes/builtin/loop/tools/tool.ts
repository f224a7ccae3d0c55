/** A tool as the loop sees it: local tools and those of the MCP server look alike. */
import type { ToolOutput } from '../entries.ts';
import type { ToolSpec } from '../model-call.ts';

export interface LoopTool extends ToolSpec {
  /** Only looks at the workspace. */
  readOnly: boolean;
  /** Served by the host, which decides itself who may call it. */
  granted: boolean;
  /** The part of an input that permission patterns are checked against. */
  subject(input: unknown): string | null;
  /**
   * @throws BadInput when the model's arguments do not fit; anything else becomes an error result
   */
  run(input: unknown, run: ToolRun): Promise<ToolResult>;
}

export interface ToolRun {
  toolUseId: string;
  /** Aborted by an interrupt or an urgent message: whatever was started has to end. */
  signal: AbortSignal;
}

export interface ToolResult {
  output: ToolOutput;
  /** The same for people. */
  text: string;
  isError: boolean;
}

/** The model's own mistake. */
export class BadInput extends Error {}

/** It was ended before it was done; the message tells what there is of it. */
export class Unfinished extends Error {}

export function textResult(text: string): ToolResult {
  return { output: { type: 'text', value: text }, text, isError: false };
}

export function errorResult(text: string): ToolResult {
  return { output: { type: 'error-text', value: text }, text, isError: true };
}

export function deniedResult(reason: string): ToolResult {
  return { output: { type: 'execution-denied', reason }, text: reason, isError: true };
}
