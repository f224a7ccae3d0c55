/** Mail, memory and reports: what the host recorded, and the calls they came from. */
import type { EventOf } from '../../console-protocol.ts';
import type { Deed } from './items.ts';
import { text } from './read.ts';

export type DeedEvent = EventOf<'mail.sent' | 'memory.stored' | 'memory.forgotten' | 'report.made'>;

export function deedOf(event: DeedEvent): Deed {
  switch (event.topic) {
    case 'mail.sent': {
      const { from, to, subject, body } = event.data.message;
      return { kind: 'mail', from: text(from), to: text(to), subject: text(subject), body: text(body) };
    }
    case 'memory.stored':
    case 'memory.forgotten': {
      const { id, text: words, key, tags, scope } = event.data.memory;
      const forgotten = event.topic === 'memory.forgotten';
      // What is forgotten says nothing any more but that it was there.
      const said = text(words ?? id);
      return {
        kind: 'memory',
        id: id ?? null,
        text: said,
        key: key ?? null,
        tags: tags ?? [],
        scope,
        forgotten,
      };
    }
    case 'report.made': {
      const { status, summary, details } = event.data;
      return { kind: 'report', status, summary: text(summary), details: details ?? null };
    }
  }
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
