/**
 * Says in the log, and for a flood in the event log too, that a door refuses a peer: once when it begins
 * and once when it is over, whatever the number of connections; and that a door was replaced.
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
    if (phase === 'first' || phase === 'over') {
      log.info({ door, why, pid, refused, phase }, 'connections were refused');
      return;
    }
    const agent = pid === null ? null : agentOf({ pid }, runs);
    log.warn(
      { door, why, pid, agent, refused },
      phase === 'flood' ? 'a door is flooded' : 'a door was replaced',
    );
    try {
      const common = { agent, principal: 'host', grade: 'enforced' } as const;
      if (phase === 'flood')
        events.append({ ...common, topic: 'door.shed', data: { door, why, shed: refused } });
      else events.append({ ...common, topic: 'door.replaced', data: { door, why, times: refused } });
    } catch (error) {
      // A full disk, say: the door goes on without the event.
      log.error({ error: messageOf(error) }, 'what a door reported could not be recorded');
    }
  };
}
