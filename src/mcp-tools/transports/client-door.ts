/** The door for outside clients: they say their own name and are the principal `client:NAME`, never an agent. */
import { NAME, NAME_RULE } from '../../host/names.ts';
import { type Door, type DoorOptions, openDoor } from './door.ts';

/** @throws AetherError `socket.path-too-long`; an Error of the system where the socket cannot be made. */
export function openClientDoor(options: DoorOptions): Promise<Door> {
  return openDoor(options, ({ client }) =>
    client !== undefined && NAME.test(client)
      ? { principal: `client:${client}` as const, agent: null, run: null, grants: () => null }
      : `An outside client needs a name: ${NAME_RULE}. Start it as "aether mcp --as NAME".`,
  );
}
