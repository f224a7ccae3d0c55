/**
 * Which rows of the database are traffic of the memory's own tools: they say what a memory says because it was stored,
 * found or read there.
 */
import type { Readable } from '../store/reader.ts';
import { toolOf } from '../store/tool-of.ts';
import type { TracedRow } from '../store/trace-queries.ts';

type Row = Record<string, unknown>;

/** Engines prefix the names of MCP tools. */
const OWN_TOOL = /(^|__|[.:/])aether_memory_(store|search|get|forget)$/;

export function isOwnTraffic(store: Readable, table: string, row: Row): boolean {
  switch (table) {
    case 'calls':
      return OWN_TOOL.test(String(row.tool));
    case 'approvals':
      return row.kind === 'permission' && OWN_TOOL.test(String(row.title));
    case 'events':
      return isOwnEvent(store, row);
    default:
      return false;
  }
}

function isOwnEvent(store: Readable, row: Row): boolean {
  const topic = String(row.topic);
  if (topic.startsWith('memory.')) return true;
  const data = JSON.parse(String(row.data)) as Row;
  switch (topic) {
    case 'tool.called':
      return OWN_TOOL.test(String(data.tool));
    case 'approval.opened':
      return data.kind === 'permission' && OWN_TOOL.test(String(data.title));
    case 'tool.finished': {
      const tool = toolOf(store, row.run as string | null, Number(row.seq), String(data.toolUseId));
      return tool !== null && OWN_TOOL.test(tool);
    }
    default:
      return false;
  }
}

/** What is not over is in use: its row would be written again, or is waited for. */
export function isSettled(table: string, row: Row): boolean {
  switch (table) {
    case 'runs':
      return row.exited_ms !== null;
    case 'injections':
      return row.state !== 'queued';
    case 'approvals':
      return row.state !== 'open';
    case 'agents':
    case 'settings':
      return false;
    default:
      return true;
  }
}

/** Of a row, for a reader. */
export function nameOf({ table, key }: TracedRow): string {
  const names = Object.values(key).join(' ');
  return table === 'events' ? `event ${names}` : `${table} ${names}`;
}
