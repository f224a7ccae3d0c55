/**
 * What `up --detach` waits for: that each agent which is meant to run has started, or has failed for good. One that
 * crashed and waits to be started again is neither yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentView } from '../api.ts';
import type { ControlClient } from '../control/client.ts';
import { note, warn } from './output.ts';
import { oneLine } from './text.ts';

/** An engine that is neither up nor failed by then is reported as it is. */
export const SETTLE_MS = 120_000;
/** A program that cannot work with its arguments dies within a moment: until then it is not called started. */
const LIVED_MS = 300;
const LIVED_AFTER_CRASH_MS = 2_000;
/** A run whose shim lives and does not answer is reported as it is after this long. */
const UNREACHED_MS = 10_000;

/** Applies the configuration. @returns the agents, as they are when nothing is left to wait for. */
export async function applyAndSettle(client: ControlClient): Promise<AgentView[]> {
  const changes = client.stream('followAgents');
  const deadline = Date.now() + SETTLE_MS;
  const views = new Map<string, AgentView>();
  const crashed = new Set<string>();
  const see = (view: AgentView) => {
    views.set(view.name, view);
    const how = crash(view);
    if (how === null) return;
    if (!crashed.has(view.name))
      note(oneLine(`${view.name} ${how}; its restart policy decides what follows …`));
    crashed.add(view.name);
  };
  try {
    const plan = await client.call('apply');
    plan.warnings.forEach(warn);
    for (const view of await client.call('agents')) see(view);
    const news = changes[Symbol.asyncIterator]();
    let next = news.next();
    for (;;) {
      const now = Date.now();
      const waits = [...views.values()].map((view) => settlesIn(view, crashed.has(view.name), now));
      const longest = Math.max(0, ...waits);
      if (longest === 0 || now >= deadline) return [...views.values()];
      const timer = new AbortController();
      const news_ms = Math.min(longest, deadline - now);
      const change = await Promise.race([next, sleep(news_ms, null, { signal: timer.signal, ref: true })]);
      timer.abort();
      if (change === null) continue;
      if (change.done) return [...views.values()];
      change.value.agents.forEach(see);
      for (const name of change.value.removed) views.delete(name);
      next = news.next();
    }
  } finally {
    changes.cancel();
  }
}

/** @returns ms until it counts as settled if nothing happens to it; 0: it is; Infinity: something has to happen. */
export function settlesIn(view: AgentView, crashed: boolean, now: number): number {
  if (view.wanted !== 'running' || view.problem || view.state === 'failed') return 0;
  // The host takes runs back after it has started: a run that was lost is started again, or becomes a problem.
  if (view.state === 'unknown')
    return view.exit ? Number.POSITIVE_INFINITY : Math.max(0, view.since_ms + UNREACHED_MS - now);
  if (view.state === 'exited') return crash(view) === null ? 0 : Number.POSITIVE_INFINITY;
  if (view.state !== 'running') return Number.POSITIVE_INFINITY;
  const lives_ms = crashed ? LIVED_AFTER_CRASH_MS : LIVED_MS;
  // Since a time that is to come: the clock was set back meanwhile, and says nothing about how long it has lived.
  if (view.since_ms > now + lives_ms) return 0;
  return Math.max(0, view.since_ms + lives_ms - now);
}

/** Why it has not started and will not by itself; null otherwise. */
export function failure(view: AgentView): string | null {
  if (view.problem) return `${view.problem.message} ${view.problem.next}`;
  return view.state === 'failed' || view.state === 'unknown' ? `it is ${view.state}.` : null;
}

/** How its last run ended badly, where another one is to come; null otherwise. */
export function crash({ state, exit }: AgentView): string | null {
  if (state !== 'exited' || !exit || exit.code === 0) return null;
  return exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
}
