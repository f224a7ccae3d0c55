/**
 * Messages of the conversation, which the structured channel and the transcript write in the same form and under the
 * same uuids: whichever comes first, each message is recorded once.
 */
import type { Reading } from './state.ts';

export interface Block {
  type: string;
  text?: string;
  thinking?: string;
  id?: string;
  name?: string;
  input?: unknown;
  tool_use_id?: string;
  content?: unknown;
  is_error?: boolean;
}

export function blocksOf(content: unknown): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.filter((block) => typeof block?.type === 'string') : [];
}

/** What a person would read of a tool's result. */
export function resultText(content: unknown): string {
  return blocksOf(content)
    .map((block) => (block.type === 'text' ? (block.text ?? '') : `[${block.type}]`))
    .join('\n');
}

/** The remark Claude Code leaves where a turn was cancelled. */
export function isInterruptRemark(content: unknown): boolean {
  return blocksOf(content).some((block) => block.text?.startsWith('[Request interrupted by user'));
}

/** @param nested the message belongs to a subagent: its tools are reported, its words are not the agent's */
export function readAssistant(reading: Reading, uuid: string, content: unknown, nested: boolean): void {
  for (const [index, block] of blocksOf(content).entries()) {
    const key = index === 0 ? uuid : `${uuid}:${index}`;
    if (block.type === 'tool_use' && block.id && block.name) {
      reading.toolCalled(block.id, block.name, block.input ?? {});
    } else if (nested) {
      // A subagent's text is its report's draft; the report comes as its caller's tool result.
    } else if (block.type === 'text' && block.text) {
      reading.emit({ kind: 'message', role: 'assistant', text: block.text, key });
    } else if (block.type === 'thinking' && block.thinking) {
      reading.emit({ kind: 'message', role: 'assistant', text: block.thinking, key, thinking: true });
    }
  }
}

export function readToolResults(reading: Reading, content: unknown): void {
  for (const block of blocksOf(content)) {
    if (block.type !== 'tool_result' || !block.tool_use_id) continue;
    reading.toolAnswered(block.tool_use_id, resultText(block.content), block.is_error === true);
  }
}
