/** The door of one run: every peer that is admitted at its socket is the agent of the run, whatever it claims. */
import { limits as hostLimits } from '../../host/limits.ts';
import { type Door, type DoorOptions, openDoor } from './door.ts';

export interface RunDoorOptions extends DoorOptions {
  agent: string;
  run: string;
  /** Names of the tools granted now; null: all. Asked at every call. */
  grants(): string[] | null;
}

/** @throws AetherError `socket.path-too-long`, `socket.not-made` */
export function openRunDoor(options: RunDoorOptions): Promise<Door> {
  const { agent, run, grants } = options;
  const identity = { principal: `agent:${agent}` as const, agent, run, grants: () => grants() };
  return openDoor(options, {
    name: `run of ${agent}`,
    connections_max: (options.limits ?? hostLimits).mcp_connections_per_run_max,
    identify: (hello) =>
      hello.client === undefined
        ? identity
        : `This socket belongs to the agent "${agent}": no outside client may use it. Start the bridge without --client.`,
  });
}
