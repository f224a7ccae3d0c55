/** One tool call: permission, execution, result. Whatever goes wrong becomes a result the model can read. */

import { type Decision, decide } from '../../permission-rules.ts';
import type { Front } from './front.ts';
import type { LoopSettings } from './loop-protocol.ts';
import {
  BadInput,
  deniedResult,
  errorResult,
  type LoopTool,
  type ToolResult,
  Unfinished,
} from './tools/tool.ts';

export interface ToolContext {
  settings: LoopSettings;
  tools(): LoopTool[];
  front: Front;
  signal: AbortSignal;
}

export interface Call {
  toolCallId: string;
  toolName: string;
  input: unknown;
}

/**
 * @param problem why the call could not even be read, if it could not
 * @returns null when it was given up before it ran
 */
export async function runTool(
  call: Call,
  problem: string | null,
  context: ToolContext,
): Promise<(ToolResult & { malformed: boolean }) | null> {
  const tools = context.tools();
  const tool = tools.find((one) => one.name === call.toolName);
  if (!tool) {
    const names = tools.map((one) => one.name).join(', ');
    return { ...errorResult(`There is no tool ${call.toolName}. There are: ${names}.`), malformed: true };
  }
  if (problem !== null) {
    return {
      ...errorResult(`The call could not be read: ${problem}. Call ${tool.name} again with valid JSON.`),
      malformed: true,
    };
  }
  try {
    const permitted = await permit(tool, call, context);
    if (permitted === null) return null;
    if ('refused' in permitted) return { ...deniedResult(permitted.refused), malformed: false };
    const { front, signal } = context;
    front.emit({
      kind: 'activity',
      activity: 'tool',
      evidence: `${tool.name} is running`,
      tool: tool.name,
    });
    const result = await tool.run(permitted.input, { toolUseId: call.toolCallId, signal });
    return { ...result, malformed: false };
  } catch (error) {
    if (context.signal.aborted && !(error instanceof Unfinished)) {
      return { ...errorResult('Interrupted before it had finished.'), malformed: false };
    }
    const text = error instanceof Error ? error.message : String(error);
    return { ...errorResult(text), malformed: error instanceof BadInput };
  }
}

async function permit(
  tool: LoopTool,
  call: Call,
  { settings, front, signal }: ToolContext,
): Promise<{ input: unknown } | { refused: string } | null> {
  const question = { toolUseId: call.toolCallId, tool: tool.name, input: call.input };
  const gate = await unlessAborted(front.gate(question, signal), signal);
  if (gate === null) return null;
  if (gate.verdict === 'deny') return { refused: gate.message ?? 'The operator did not allow it.' };
  const decided = (input: unknown): Decision =>
    decide(settings.permissions, {
      tool: tool.name,
      subject: tool.subject(input),
      shell: tool.name === 'run_command',
      readOnly: tool.readOnly,
      granted: tool.granted,
    });
  const decision = decided(call.input);
  const rules = `The agent's permissions do not allow this call of ${tool.name}.`;
  if (decision === 'deny') return { refused: rules };
  if (decision === 'allow' || gate.verdict === 'allow') return { input: call.input };
  front.emit({
    kind: 'activity',
    activity: 'waiting-for-operator',
    evidence: `asked whether ${tool.name} may run`,
    tool: tool.name,
  });
  const answer = await unlessAborted(front.ask(question, signal), signal);
  if (answer === null) return null;
  return answer.allow
    ? { input: call.input }
    : { refused: answer.message ?? 'The operator did not allow it.' };
}

/** @returns null when the step was cut short while it was waited for */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}
