/**
 * Says in the log, and for a flood in the event log too, that a door refuses a peer: once when it begins
 * and once when it is over, whatever the number of connections.
 */
import type { RefusalReport } from '../doors/refusals.ts';
import { messageOf } from '../errors.ts';
import type { Events } from '../events/events.ts';
import type { Log } from '../log.ts';
import { agentOf } from './admission.ts';
import type { Runs } from './runs.ts';

export function doorReporter({
  events,
  log,
  runs,
}: {
  events: Events;
  log: Log;
  runs: Runs;
}): (report: RefusalReport) => void {
  return ({ door, why, pid, refused, phase }) => {
    if (phase !== 'flood') {
      log.info({ door, why, pid, refused, phase }, 'connections were refused');
      return;
    }
    const agent = pid === null ? null : agentOf({ pid }, runs);
    log.warn({ door, why, pid, agent, refused }, 'a door is flooded');
    try {
      events.append({
        topic: 'door.shed',
        agent,
        principal: 'host',
        grade: 'enforced',
        data: { door, why, shed: refused },
      });
    } catch (error) {
      // A full disk, say: the door goes on without the event.
      log.error({ error: messageOf(error) }, 'a flood could not be recorded');
    }
  };
}
