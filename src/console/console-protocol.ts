/**
 * What the console's server and its browser code say to each other. The browser imports this file and nothing else of
 * ours.
 *
 * A page and the host share a secret: that of a link, or the key of a session. It is never sent: each side shows a
 * code over the nonces of both, the host first, so that a program that took the host's port learns nothing. What the page
 * has to say goes over the socket on which the host has shown its code.
 *
 * `call`, and `POST /api/verbs/NAME` with `{input, basis}` for other programs, answer with the output of the verb or an
 * error. Every action about an agent names what it was based on; when that is no longer so, it is refused with code
 * `verb.stale` instead of being applied to something else.
 */
import type {
  AgentView,
  ApprovalView,
  EventView,
  HostInfo,
  MessageView,
  TerminalInfo,
  TerminalLook,
} from '../host/api.ts';
import type { WireError } from '../host/errors.ts';

export type {
  AgentView,
  ApprovalAnswer,
  ApprovalView,
  EventView,
  Evidence,
  HostInfo,
  InjectionView,
  LeaseView,
  MessageView,
  TerminalInfo,
} from '../host/api.ts';
export type { WireError } from '../host/errors.ts';
export type { EventOf, TopicsLike } from '../host/events/topics.ts';
export type { AgentBasis } from '../host/verbs/basis.ts';
export type { CallName, Calls } from '../host/verbs/client.ts';
export type { AgentVerb } from '../host/verbs/names.ts';

/** A page that was loaded from another version of the server reloads itself. */
export const CONSOLE_PROTOCOL = 5;

export const SUBPROTOCOL = 'aether.console';
/** HTTP header of a request for data: `SESSION.NONCE.CODE`. */
export const PROOF_HEADER = 'x-aether-proof';
/** Begins the fragment of a link: `#link=ID.SECRET`. */
export const LINK_FRAGMENT = '#link=';

/** What a code is made of: HMAC-SHA-256 with the shared secret, base64url. */
export function provenText(
  side: 'host' | 'page' | 'request',
  what: string,
  nonces: { page: string; host: string },
): string {
  return ['aether console 3', side, what, nonces.page, nonces.host].join('\n');
}

/* ---------- every socket begins with these ---------- */

/** `id` is public: it names the secret. */
export type ProofRequest =
  | { type: 'hello'; by: 'link' | 'session'; id: string; nonce: string }
  | { type: 'proof'; code: string };

export type ProofMessage =
  | { type: 'proof'; nonce: string; code: string }
  /** Of a link: it was spent, and this is the session it has opened. */
  | { type: 'session'; id: string; key: string }
  | { type: 'admitted' }
  | { type: 'refused'; error: WireError };

/* ---------- /ws: what happens in the fleet ---------- */

export type LiveRequest =
  /**
   * Events after the one with the cursor `after` (null: all), each exactly once and in order, then live ones as they happen; of one agent or
   * (`agent: null`) of all. Replaces the watch before it; `watch` comes back with every page.
   */
  | { type: 'watch'; watch: number; agent: string | null; after: string | null }
  | { type: 'unwatch' }
  /** A verb of the host. `answer` comes back with the same number. */
  | { type: 'call'; call: number; verb: string; input?: unknown; basis?: unknown }
  /** The session ends, in every tab of this browser. */
  | { type: 'sign-out' }
  /** This page still holds the lease. */
  | { type: 'beat'; agent: string; generation: number };

/** To the operator, unread: the oldest so many of them, long ones cut. */
export interface Mail {
  messages: MessageView[];
  unread: number;
}

export type LiveMessage =
  /** First, and after every reconnect: the whole fleet as it is. */
  | {
      type: 'welcome';
      protocol: number;
      you: string;
      now_ms: number;
      info: HostInfo;
      agents: AgentView[];
      approvals: ApprovalView[];
      mail: Mail;
    }
  /** `more`: the page is not the newest yet, another one follows. */
  | { type: 'events'; watch: number; events: EventView[]; more: boolean }
  /** `after` is of another log (another database): forget what you have and load again. */
  | { type: 'reset'; watch: number }
  /** Views that changed, newest state only, and names that are no more. */
  | { type: 'agents'; agents: AgentView[]; gone: string[] }
  /** All open approvals. */
  | { type: 'approvals'; approvals: ApprovalView[] }
  | { type: 'answer'; call: number; output: unknown }
  | { type: 'answer'; call: number; error: WireError }
  | { type: 'mail'; mail: Mail }
  /** Memories have changed since the last of these: what shows some reads them again. */
  | { type: 'memories' }
  | { type: 'info'; info: HostInfo }
  /** Says that the connection lives, while nothing happens. */
  | { type: 'beat'; now_ms: number }
  | { type: 'error'; error: WireError };

/* ---------- /terminal/NAME: binary frames are terminal output, text frames are these ---------- */

export type TerminalRequest =
  /** Bytes of output drawn since the connection began. Output stops when too many are not. */
  | { type: 'ack'; bytes: number }
  | { type: 'input'; generation: number; data: string }
  /** So much fits into this page. */
  | { type: 'resize'; generation: number; cols: number; rows: number; look?: TerminalLook }
  /** This page was clicked or focused: it decides the size. Input does so as well. */
  | { type: 'use'; generation: number };

export type TerminalMessage =
  /** Reset and draw the next `bytes`, which make the present screen; live output follows. `info` null: no terminal now. */
  | { type: 'screen'; info: TerminalInfo | null; bytes: number }
  /** It has this size, for what follows. */
  | { type: 'size'; cols: number; rows: number }
  /** Whether this page decides the size; `other`: another window of its holder does. */
  | { type: 'sized'; by: 'this' | 'other' | null }
  | { type: 'error'; error: WireError };
