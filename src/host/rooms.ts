/** The nouns that verbs may use, as this host has them. It only collects them. */
import type { HostInfo } from './api.ts';
import { streamEvents } from './events/stream.ts';
import type { Mailboxes } from './mailboxes/mailboxes.ts';
import type { Curation } from './memory/curation.ts';
import { Adoption } from './operations/fleet/adoption.ts';
import { AgentViews } from './operations/fleet/agent-views.ts';
import type { Fleet } from './operations/fleet/fleet.ts';
import { answerApproval } from './operations/gate/approve.ts';
import type { Launcher } from './operations/launch/launch.ts';
import type { Holds } from './operations/lifecycle/hold.ts';
import { interrupt } from './operations/lifecycle/interrupt.ts';
import type { Lifecycle } from './operations/lifecycle/lifecycle.ts';
import type { Pauses } from './operations/lifecycle/pause.ts';
import type { Watchdog } from './operations/lifecycle/watchdog.ts';
import type { InjectionDelivery } from './operations/messages/inject.ts';
import { Messages } from './operations/messages/messages.ts';
import { giveFeedback } from './operations/recall/feedback.ts';
import type { RunScreens } from './operations/takeover/screens.ts';
import type { Takeover } from './operations/takeover/takeover.ts';
import { Terminals } from './operations/takeover/terminals.ts';
import { widen } from './operations/turn/senders.ts';
import type { By, Wiring } from './operations/wiring.ts';
import { OPERATOR } from './principals.ts';
import { leaseView } from './terminals/leases.ts';
import { Dispatcher } from './verbs/dispatch.ts';
import type { Rooms } from './verbs/rooms.ts';
import { legalVerbs } from './verbs/table.ts';
import { changesMeanwhile } from './workspaces/changed-files.ts';

export interface RoomParts {
  wiring: Wiring;
  watchdog: Watchdog;
  launcher: Launcher;
  delivery: InjectionDelivery;
  fleet: Fleet;
  lifecycle: Lifecycle;
  pauses: Pauses;
  holds: Holds;
  takeover: Takeover;
  screens: RunScreens;
  /** Names of those of this version. */
  runtimes: readonly string[];
  mailboxes: Mailboxes;
  curation: Curation;
  info(): HostInfo;
  consoleLink(plain?: boolean): string;
  down(by: By): Promise<void>;
}

/** The verbs over this host, and the views of its agents. */
export function hostVerbs(parts: RoomParts): { verbs: Dispatcher; views: AgentViews } {
  const views = new AgentViews({ ...parts, legal: legalVerbs });
  return { verbs: new Dispatcher(hostRooms(parts, views)), views };
}

function hostRooms(parts: RoomParts, views: AgentViews): Rooms {
  const { wiring, launcher, fleet, lifecycle, pauses, takeover } = parts;
  const { approvals, events, leases, runs } = wiring;
  return {
    host: parts,
    agents: views,
    fleet,
    lifecycle: {
      start: (agent, by, options) => lifecycle.start(agent, by, options),
      stop: (agent, by) => lifecycle.stop(agent, by),
      kill: (agent, by) => lifecycle.kill(agent, by),
      restart: (agent, by, options) => lifecycle.restart(agent, by, options),
      interrupt: (agent, by) => interrupt(wiring, runs.require(agent), by),
      pause: (agent, by) => pauses.pause(runs.require(agent), by),
      thaw: (agent, by) => pauses.resume(runs.require(agent), by),
    },
    adoption: new Adoption({ ...parts, view: (agent) => views.get(agent) }),
    holds: parts.holds,
    authority: {
      widen: (agent, senders, by) => widen(wiring, runs.require(agent), senders, by),
    },
    messages: new Messages(wiring, parts.delivery),
    takeover: {
      take: (view, input, by) => takeover.take(view, runs.require(view.name), input, by),
      handback(view, input, by) {
        leases.require(view.name, input.generation);
        return takeover.handback(view.name, runs.require(view.name), input, by);
      },
      lease(agent) {
        const lease = leases.find(agent);
        return lease === null ? null : leaseView(lease);
      },
      beat: (agent, generation) => leases.beat(agent, generation),
      changes: changesMeanwhile,
    },
    terminals: new Terminals(wiring, parts.screens, (run) => launcher.paths(run).journal),
    approvals: {
      list: (filter) => approvals.list(filter),
      answer: (id, answer, by) => answerApproval(wiring, id, answer, by),
    },
    mail: {
      inbox: ({ all, ...rest }) => parts.mailboxes.inbox(OPERATOR, { ...rest, unreadOnly: all !== true }),
      ack: (ids, by) => parts.mailboxes.ack({ principal: by, agent: null, run: null }, ids, OPERATOR),
    },
    memories: {
      list: (by, filter) => parts.curation.list(by, filter),
      show: (by, id) => parts.curation.show(by, id),
      edit: (by, id, change) => parts.curation.edit(by, id, change),
      pin: (by, id, pinned) => parts.curation.pin(by, id, pinned),
      forget: (by, id) => parts.curation.forget(by, id),
      redact: (id) => parts.curation.redact(id),
      import: (by, asked) => parts.curation.import(by, asked),
      quota: (scope) => parts.curation.quota(scope),
      feedback: (by, given) => giveFeedback(wiring, parts.curation, by, given),
    },
    events: {
      list: (filter) => events.list(filter),
      stream: (filter, after, sink) => streamEvents(events, filter, after, sink),
      end: () => events.end(),
    },
  };
}
