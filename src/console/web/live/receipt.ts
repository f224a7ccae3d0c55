/** The known stages of the delivery of a message, as a row. Pure. */
import type { AgentView } from '../../console-protocol.ts';
import type { Receipt } from './items.ts';

const ORDER = ['queued', 'delivered', 'seen', 'acted'] as const;
const WORDS: Record<string, string> = {
  acted: 'acted on',
  unknown: 'fate unknown',
  cancelled: 'taken back',
};

/** The stage that a message has reached by this event: one that the engine has dropped waits again. */
export function stageOf(topic: string): string {
  const stage = topic.slice('inject.'.length);
  return stage === 'dropped' ? 'queued' : stage;
}

export interface Stage {
  word: string;
  /** passed: implied by a later one; ahead: not known yet. */
  state: 'proven' | 'passed' | 'ahead' | 'bad';
  at_ms: number | null;
  evidence: string;
}

/** @param farthest what the runtime can prove at all */
export function stagesOf(receipt: Receipt, farthest: AgentView['can']['receipts']): Stage[] {
  const settled = receipt.stage === 'unknown' || receipt.stage === 'cancelled';
  // One that waits again has passed nothing yet.
  const steps = receipt.steps.slice(Math.max(0, receipt.steps.findLastIndex(isQueued)));
  const reached = Math.max(...steps.map(({ stage }) => ORDER.indexOf(stage as (typeof ORDER)[number])));
  const known = ORDER.slice(0, Math.max(ORDER.indexOf(farthest), reached) + 1);
  const stages = known.flatMap((name, index): Stage[] => {
    const step = steps.findLast(({ stage }) => stage === name);
    if (step) return [{ word: WORDS[name] ?? name, state: 'proven', ...pick(step) }];
    if (index > reached && settled) return [];
    return [
      { word: WORDS[name] ?? name, state: index < reached ? 'passed' : 'ahead', at_ms: null, evidence: '' },
    ];
  });
  if (settled) {
    const step = steps.findLast(({ stage }) => stage === receipt.stage);
    const state = receipt.stage === 'unknown' ? 'bad' : 'proven';
    if (step) stages.push({ word: WORDS[receipt.stage]!, state, ...pick(step) });
  }
  return stages;
}

const isQueued = ({ stage }: Receipt['steps'][number]) => stage === 'queued';

const pick = ({ at_ms, evidence }: Receipt['steps'][number]) => ({ at_ms, evidence });

/** It is unread, as far as is known: it may be asked back. */
export const mayBeTakenBack = (
  { stage }: Pick<Receipt, 'stage'>,
  farthest: AgentView['can']['receipts'],
): boolean => stage === 'queued' || (stage === 'delivered' && farthest !== 'delivered');

/** Why a message that is sent now is not read yet; null when it is on its way. */
export function waitsFor(agent: AgentView): string | null {
  if (agent.lease) return 'it is handed back';
  if (agent.activity === 'paused' || agent.hold) return 'it is resumed';
  if (agent.pid === null) return 'it runs';
  return null;
}
