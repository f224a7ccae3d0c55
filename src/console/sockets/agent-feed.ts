/**
 * Agent views for all browsers: computed once per interval however many are watching, and only when something
 * changed. A browser that reads slowly skips intermediate states, never the newest.
 */
import type { AgentsChange, AgentView, OpenStream } from '../../host/api.ts';
import type { Clock } from '../../host/clock.ts';
import { limits } from '../../host/limits.ts';
import type { Log } from '../../host/log.ts';
import type { Dispatcher } from '../../host/verbs/dispatch.ts';
import { CONSOLE } from '../context.ts';

export interface AgentFeed {
  /** Calls with names that changed; what they are now is in `views`. @returns unsubscribe */
  subscribe(listener: (names: ReadonlySet<string>) => void): () => void;
  /** As of the last change that was told. A name that is missing is gone. */
  readonly views: ReadonlyMap<string, AgentView>;
  close(): void;
}

export function agentFeed(verbs: Dispatcher, clock: Clock, log: Log): AgentFeed {
  const listeners = new Set<(names: ReadonlySet<string>) => void>();
  const views = new Map<string, AgentView>();
  /** Open while a browser is watching: views cost time. */
  let stream: OpenStream | null = null;
  let resting = false;
  let cancel: (() => void) | null = null;

  function tell({ agents, removed }: AgentsChange): void {
    for (const view of agents) views.set(view.name, view);
    for (const name of removed) views.delete(name);
    const names = new Set([...agents.map(({ name }) => name), ...removed]);
    for (const listener of listeners) listener(names);
    resting = true;
    cancel = clock.after(limits.console_agents_interval_ms, goOn);
  }

  function goOn(): void {
    resting = false;
    try {
      stream?.drained();
    } catch (error) {
      log.error({ err: error }, 'agent views cannot be read');
    }
  }

  function close(): void {
    stream?.close();
    stream = null;
    cancel?.();
    listeners.clear();
    views.clear();
  }

  return {
    subscribe(listener) {
      stream ??= verbs.stream(
        CONSOLE,
        'followAgents',
        {},
        {
          item: tell,
          full: () => resting,
          end: () => undefined,
        },
      );
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) close();
      };
    },
    views,
    close,
  };
}
