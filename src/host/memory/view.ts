/** A row as clients see it. */
import type { MemoryView } from '../api.ts';
import type { MemoryNote, MemoryScope } from '../shapes.ts';
import { type MemoryRecord, stateOf } from '../store/memory-record.ts';
import { cutText } from '../text.ts';
import { looksLikeInstructions } from './instructions.ts';

/** How the scope of all agents is stored. */
export const FLEET = 'shared';

const NOTE_CHARS = 500;

export function toView({
  via,
  stale_why,
  stale,
  expired_ms,
  weight: _weight,
  ...record
}: MemoryRecord): MemoryView {
  return {
    ...record,
    scope: scopeName(record.scope),
    state: stateOf({ ...record, expired_ms, stale }),
    ...(stale_why === null ? {} : { stale: stale_why }),
    ...(via.length === 0 ? {} : { via }),
    ...(looksLikeInstructions(record.text) ? { instructs: true as const } : {}),
  };
}

function scopeName(scope: string): MemoryScope {
  if (scope === FLEET) return 'fleet';
  if (scope.startsWith('workspace:')) return 'workspace';
  return scope.startsWith('branch:') ? 'branch' : 'agent';
}

/** What the log says of a memory: its beginning, which forgetting takes out of the log again. */
export function noteOf(record: MemoryRecord): MemoryNote {
  const { id, key, tags, layer, author, version, via } = record;
  const text = cutText(record.text, { chars_max: NOTE_CHARS });
  return {
    id,
    key,
    tags,
    layer,
    author,
    version,
    scope: scopeName(record.scope),
    text: text.length < record.text.length ? `${text}…` : text,
    ...(via.length === 0 ? {} : { via }),
  };
}
