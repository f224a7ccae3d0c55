/**
 * Agent views for all browsers: computed once per interval however many are watching, and only when something
 * changed. A browser that reads slowly skips intermediate states, never the newest.
 */
import type { AgentView, HostApi } from '../../host/api.ts';
import type { Clock } from '../../host/clock.ts';
import { limits } from '../../host/limits.ts';
import type { Log } from '../../host/log.ts';

export interface AgentFeed {
  /** Calls with names that changed; what they are now is in `views`. @returns unsubscribe */
  subscribe(listener: (names: ReadonlySet<string>) => void): () => void;
  /** As of the last change that was told. A name that is missing is gone. */
  readonly views: ReadonlyMap<string, AgentView>;
  close(): void;
}

export function agentFeed(host: HostApi, clock: Clock, log: Log): AgentFeed {
  const listeners = new Set<(names: ReadonlySet<string>) => void>();
  let views = new Map<string, AgentView>();
  let changed = new Set<string>();
  let last_ms = 0;
  let cancel: (() => void) | null = null;

  const flush = (): void => {
    cancel = null;
    last_ms = clock.now();
    const names = changed;
    changed = new Set();
    if (listeners.size === 0) return;
    try {
      views = new Map(host.agents().map((view) => [view.name, view]));
    } catch (error) {
      log.error({ err: error }, 'agent views cannot be read');
      return;
    }
    for (const listener of listeners) listener(names);
  };

  const unfollow = host.followAgents((names) => {
    for (const name of names) changed.add(name);
    const wait_ms = Math.max(0, last_ms + limits.console_agents_interval_ms - clock.now());
    cancel ??= clock.after(Math.min(wait_ms, limits.console_agents_interval_ms), flush);
  });

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get views() {
      return views;
    },
    close() {
      unfollow();
      cancel?.();
      listeners.clear();
    },
  };
}
