/** Carrying bytes between two connections, for the programs that stand between an agent and what it talks to. */
import type { Socket } from 'node:net';

/** Both directions, each with its end, at the pace of the slower side; a side that breaks off breaks the other off. */
export function joinSockets(one: Socket, other: Socket): void {
  carry(one, other);
  carry(other, one);
}

function carry(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once('close', () => {
    // After an orderly end what was read is still being written.
    if (from.readableEnded) to.end();
    else to.destroy();
  });
}
