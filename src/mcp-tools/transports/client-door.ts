/** The door for outside clients: they say their own name and are the principal `client:NAME`, never an agent. */
import { limits as hostLimits } from '../../host/limits.ts';
import { NAME, NAME_RULE } from '../../host/names.ts';
import { type Door, type DoorOptions, openDoor } from './door.ts';

/** @throws AetherError `socket.path-too-long`, `socket.not-made` */
export function openClientDoor(options: DoorOptions): Promise<Door> {
  return openDoor(options, {
    name: 'clients',
    connections_max: (options.limits ?? hostLimits).mcp_connections_of_clients_max,
    identify: ({ client }) =>
      client !== undefined && NAME.test(client)
        ? { principal: `client:${client}` as const, agent: null, run: null, grants: () => null }
        : `An outside client needs a name: ${NAME_RULE}. Start it as "aether mcp --as NAME".`,
  });
}
