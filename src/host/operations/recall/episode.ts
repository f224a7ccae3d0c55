/**
 * What the host remembers of a run when it is over: what it was for, how it ended, what it changed and cost, what was
 * reported and how people liked it. From what the host saw, but for the report, which says that it is one. Runs in which
 * nothing was done leave nothing.
 */
import { AetherError, messageOf } from '../../errors.ts';
import { limits } from '../../limits.ts';
import { exitSentence } from '../../runs/journal-facts.ts';
import type { Run } from '../../runs/run.ts';
import { shortText } from '../../text.ts';
import { changedFiles } from '../../workspaces/changed-files.ts';
import { duration } from '../notes.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<Wiring, 'agents' | 'clock' | 'events' | 'log' | 'memory' | 'memorySettings'>;

const TOPICS = ['turn.ended', 'report.made', 'feedback.given', 'tool.called', 'memory.stored'] as const;
const GOAL_CHARS = 1_000;
const REPORT_CHARS = 2_000;
const FILES_MAX = 20;
const LEARNT_MAX = 100;
/** Its files are looked for no longer. */
const LOOK_MS = 3_000;
export const EPISODE = 'episode';

/** After the run's end is stored; whatever fails here is said in the log, and the run has ended all the same. */
export function rememberRun(wiring: Needs, run: Run): void {
  if (!wiring.memorySettings().episodes) return;
  void remember(wiring, run).catch((error: unknown) => {
    const full = error instanceof AetherError && error.code === 'memory.full';
    const what = full ? 'a run is not remembered: its scope is full' : 'a run could not be remembered';
    wiring.log.warn({ run: run.id, error: messageOf(error) }, what);
  });
}

async function remember({ agents, clock, events, memory }: Needs, { record }: Run): Promise<void> {
  const { agent, id, started_ms } = record;
  const config = agents.find(agent)?.config;
  if (config === undefined) return;
  const seen = events
    .list({ agent, topics: [...TOPICS], since_ms: started_ms, last: true, limit: limits.events_page_max })
    .filter(({ run }) => run === id);
  const turns = seen.filter(({ topic }) => topic === 'turn.ended');
  const reports = seen.flatMap((event) => (event.topic === 'report.made' ? [event.data] : []));
  if (turns.length === 0 && reports.length === 0) return;
  const files = await changedFiles(config.workspace, started_ms, LOOK_MS).catch(() => []);
  const calls = seen.filter(({ topic }) => topic === 'tool.called').length;
  const thumbs = seen.flatMap((event) => (event.topic === 'feedback.given' ? [event.data.thumb] : []));
  const last = turns.at(-1)?.data as { outcome: string; text?: string } | undefined;
  const lines = [
    `${agent} ran for ${duration((record.exited_ms ?? clock.now()) - started_ms)}${config.goal === null ? '' : `. Goal: ${shortText(config.goal, GOAL_CHARS)}`}`,
    `How it ended: ${outcomeOf(last)}${record.exit === null ? '' : `; ${exitSentence(record.exit)}`}. ${turns.length} ${turns.length === 1 ? 'turn' : 'turns'}, ${calls} tool ${calls === 1 ? 'call' : 'calls'}.`,
    files.length === 0
      ? 'No file of its workspace changed meanwhile.'
      : `Files of its workspace that changed meanwhile: ${named(files)}.`,
    costOf(record),
    ...(thumbs.length === 0
      ? []
      : [`The operator liked ${count(thumbs, 'up')} of its actions and disliked ${count(thumbs, 'down')}.`]),
    ...reports
      .slice(-1)
      .map(({ status, summary }) => `Its own report (${status}): ${shortText(summary, REPORT_CHARS)}`),
  ];
  const learnt = seen.flatMap((event) => (event.topic === 'memory.stored' ? [event.data.memory.id] : []));
  memory.store(
    { principal: 'host', agent, run: id },
    {
      text: lines.join('\n'),
      layer: 'episodic',
      importance: last?.outcome === 'failed' ? 2 : 1,
      tags: [EPISODE, last?.outcome ?? 'unknown'],
      scope: { exact: `agent:${agent}` },
      // It tells of what was learnt, its goal perhaps in the same words: it holds no longer than that does.
      ...(learnt.length === 0 ? {} : { derived_from: standing(memory, learnt) }),
      evidence: { from: `run ${id}` },
    },
    // The report is of the conversation, and of all whose words were in it.
    reports.length === 0 ? [] : record.turn.senders,
  );
}

/** The latest of them that are not forgotten. */
function standing(memory: Needs['memory'], ids: string[]): string[] {
  const host = { principal: 'host', agent: null, run: null } as const;
  return [...new Set(ids)].slice(-LEARNT_MAX).filter((id) => {
    try {
      return memory.get(host, { id }).memory.id === id;
    } catch {
      return false;
    }
  });
}

const outcomeOf = (last: { outcome: string; text?: string } | undefined): string =>
  last === undefined ? 'no turn ended' : `the last turn was ${last.outcome}`;

const named = (files: string[]): string =>
  files.length > FILES_MAX ? `${files.slice(0, FILES_MAX).join(', ')} and others` : files.join(', ');

function costOf({ input_tokens, output_tokens, cost_usd }: Run['record']): string {
  const tokens = `It used ${input_tokens} input and ${output_tokens} output tokens`;
  return cost_usd === null ? `${tokens}.` : `${tokens}, $${cost_usd.toFixed(4)}.`;
}

const count = (thumbs: string[], which: string): number => thumbs.filter((thumb) => thumb === which).length;
