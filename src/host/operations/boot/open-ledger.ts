/** The ledger of a running host: its checks before a call, and who is notified of the effects. */

import type { MessageView } from '../../api.ts';
import { Ledger } from '../../ledger/ledger.ts';
import { type ListedAgent, nounsOf } from '../../ledger/nouns.ts';
import type { Mailboxes } from '../../mailboxes/mailboxes.ts';
import type { Dispatcher } from '../../verbs/dispatch.ts';
import { requireAuthority } from '../gate/authority.ts';
import { showAsking } from '../turn/activity.ts';
import { goesByMail, goesByMemory, sendersOf } from '../turn/senders.ts';
import type { Wiring } from '../wiring.ts';

/** What this file uses of the host. */
type Needs = Pick<
  Wiring,
  | 'clock'
  | 'store'
  | 'memory'
  | 'log'
  | 'events'
  | 'agents'
  | 'runs'
  | 'approvals'
  | 'gates'
  | 'closing'
  | 'touched'
>;

export function openLedger(
  wiring: Needs,
  parts: {
    mailboxes: Mailboxes;
    agents(): ListedAgent[];
    /** Asked at each call: the verbs are made after the ledger. */
    verbs(): Pick<Dispatcher, 'call'>;
    /** Mail for an agent has been committed. Must not throw. */
    onMail(agent: string, message: MessageView): void;
  },
): Ledger {
  const { store, clock, events, memory, approvals } = wiring;
  const { mailboxes, agents, verbs, onMail } = parts;
  return new Ledger({
    store,
    clock,
    events,
    clientSeen: (name) => mailboxes.clientSeen(name),
    authority: (caller, tool) => requireAuthority(wiring, caller, tool),
    nouns: nounsOf({
      clock,
      events,
      memory,
      mailboxes,
      approvals,
      agents,
      verbs,
      senders: (caller) => sendersOf(wiring, caller),
      onRead: (caller, messages) =>
        goesByMail(wiring, caller, messages, (message) => mailboxes.wordsOf(message)),
      onRecall: (caller, memories) => goesByMemory(wiring, caller, memories),
      onAsking: (caller) => showAsking(wiring, caller),
      onMail,
    }),
  });
}
