/** Hosts and shims of one test at a seam of the operations; whatever becomes of the test, nothing of them is left. */
import { afterEach, beforeEach } from 'vitest';
import { SeamHost, type SeamOptions } from './seam-host.ts';
import { ShimLab } from './shim.ts';

export interface Seams {
  begin(options?: SeamOptions): Promise<SeamHost>;
  /** Another host over the directory of this one. */
  next(after: SeamHost): Promise<SeamHost>;
  /** The same, before it has looked at what is there. */
  successor(after: SeamHost): SeamHost;
  /** The shim of this agent is ended with the others. */
  adopt(host: SeamHost, agent: string): void;
}

export function useSeams(): Seams {
  let lab: ShimLab;
  const hosts: SeamHost[] = [];
  const kept = (host: SeamHost) => {
    hosts.push(host);
    return host;
  };
  beforeEach(() => {
    lab = new ShimLab();
  });
  afterEach(() => {
    for (const host of hosts.splice(0)) if (host.store.db.open) host.die();
    lab.clean();
  });
  return {
    begin: async (options) => kept(await SeamHost.begin(lab, options)),
    async next(after) {
      const host = kept(after.successor());
      await host.recover();
      return host;
    },
    successor: (after) => kept(after.successor()),
    adopt(host, agent) {
      const { shim } = host.wiring.runs.require(agent).record;
      if (shim !== null) lab.adopt(shim);
    },
  };
}
