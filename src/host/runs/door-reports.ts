/**
 * Says in the log that a door refuses a peer, once when it begins and once when it is over, whatever the number of
 * connections; and that a door was replaced. It is an event where the peer is an agent's, or in a flood.
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
    const agent = pid === null || phase === 'over' ? null : agentOf({ pid }, runs);
    const of = { door, why, pid, agent, refused, phase };
    if (phase === 'first' || phase === 'over') log.info(of, 'connections were refused');
    else log.warn(of, phase === 'flood' ? 'a door is flooded' : 'a door was replaced');
    if (phase === 'over' || (phase === 'first' && agent === null)) return;
    try {
      const common = { agent, principal: 'host', grade: 'enforced' } as const;
      if (phase === 'replaced')
        events.append({ ...common, topic: 'door.replaced', data: { door, why, times: refused } });
      else events.append({ ...common, topic: 'door.shed', data: { door, why, shed: refused } });
    } catch (error) {
      // A full disk, say: the door goes on without the event.
      log.error({ error: messageOf(error) }, 'what a door reported could not be recorded');
    }
  };
}
