/** Mail, memory and reports: what the host recorded, and the calls they came from. */
import type { Deed } from './items.ts';
import { type LooseEvent, list, record, text, textOrNull } from './read.ts';

export function deedOf(event: LooseEvent): Deed | null {
  const { topic, data } = event;
  if (topic === 'mail.sent') {
    const message = record(data, 'message');
    return {
      kind: 'mail',
      from: text(message, 'from'),
      to: text(message, 'to'),
      subject: text(message, 'subject'),
      body: text(message, 'body'),
    };
  }
  if (topic === 'memory.stored' || topic === 'memory.forgotten') {
    const memory = record(data, 'memory');
    return {
      kind: 'memory',
      text: text(memory, 'text') || text(data, 'memory'),
      key: textOrNull(memory, 'key'),
      tags: list(memory, 'tags').map(String),
      scope: text(memory, 'scope'),
      forgotten: topic === 'memory.forgotten',
    };
  }
  if (topic === 'report.made') {
    return {
      kind: 'report',
      status: text(data, 'status'),
      summary: text(data, 'summary'),
      details: textOrNull(data, 'details'),
    };
  }
  return null;
}

const CALLS = {
  mail: ['aether_mail_send'],
  memory: ['aether_memory_store', 'aether_memory_forget'],
  report: ['aether_report'],
} as const;

/** Engines prefix the names of MCP tools: `mcp__aether__aether_report`, `aether__aether_report`. */
export function isDeedOf(tool: string, kind: Deed['kind']): boolean {
  return CALLS[kind].some((name) => tool === name || tool.endsWith(`__${name}`));
}
