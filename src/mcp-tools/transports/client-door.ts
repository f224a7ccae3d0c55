/** The door for outside clients: they say their own name and are the principal `client:NAME`, never an agent. */
import { type Door, type DoorOptions, openDoor } from './door.ts';

const CLIENT_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** @throws AetherError `socket.path-too-long`; an Error of the system where the socket cannot be made. */
export function openClientDoor(options: DoorOptions): Promise<Door> {
  return openDoor(options, ({ client }) =>
    client !== undefined && CLIENT_NAME.test(client)
      ? { principal: `client:${client}` as const, agent: null, run: null, grants: () => null }
      : 'An outside client needs a name of 1 to 64 lower-case letters, digits and hyphens. Start it as "aether mcp --as NAME".',
  );
}
