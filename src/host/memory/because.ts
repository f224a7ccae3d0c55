/** Why a memory is believed, in sentences for a person: who stored it, from what, and what has happened since. */
import type { MemoryStory, Principal } from '../api.ts';

export function because({ memory, history, sources, contradictedBy, shownTo }: MemoryStory): string[] {
  const { author, via = [], run, evidence, version, key, state } = memory;
  const when = iso(memory.created_ms);
  const from = [
    run === null ? null : `in run ${run}`,
    evidence?.toolUse === undefined ? null : `by its tool call ${evidence.toolUse}`,
    evidence?.from === undefined ? null : `from ${evidence.from}`,
  ].filter((part) => part !== null);
  const said = [`${author} stored it on ${when}${from.length > 0 ? ` ${from.join(' ')}` : ''}.`];
  if (via.length > 0) said.push(`Its author followed words of ${names(via)} when storing it.`);
  const earlier = history.filter((one) => one.version < version);
  if (key !== null && earlier.length > 0)
    said.push(
      `It is version ${version} under ${JSON.stringify(key)}; ${earlier.length} earlier ${earlier.length === 1 ? 'one is' : 'ones are'} kept.`,
    );
  for (const kind of ['derived', 'possible'] as const) {
    const rests = sources.filter((source) => source.kind === kind).map(({ id }) => id);
    if (rests.length > 0)
      said.push(
        kind === 'derived'
          ? `It rests on ${rests.join(', ')}, as its author said.`
          : `It may rest on ${rests.join(', ')}: its author had been shown ${rests.length === 1 ? 'that' : 'those'} before.`,
      );
  }
  if (memory.stale !== undefined) {
    const { source, what, at_ms, through } = memory.stale;
    const way = through.length > 0 ? `, by way of ${through.join(', ')}` : '';
    said.push(
      `It ${state === 'possibly_stale' ? 'may be' : 'is'} stale: ${source} was ${what} on ${iso(at_ms)}${way}.`,
    );
  }
  if (memory.superseded_ms !== null)
    said.push(`It was replaced by ${memory.superseded_by ?? 'another'} on ${iso(memory.superseded_ms)}.`);
  if (state === 'expired') said.push('Its time is over.');
  for (const other of contradictedBy)
    said.push(`${other.id} by ${other.author} of ${iso(other.created_ms)} says something else.`);
  said.push(
    memory.uses === 0
      ? 'It was given to no reader so far.'
      : `It was given to readers ${memory.uses} time${memory.uses === 1 ? '' : 's'}${shownTo.length > 0 ? `, last to ${shownTo[0]!.reader} on ${iso(shownTo[0]!.at_ms)}` : ''}.`,
  );
  return said;
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
const names = (list: readonly Principal[]): string => list.join(', ');
