/**
 * What the console's server and its browser code say to each other. Types and constants only: the browser
 * imports this file and nothing else of ours.
 *
 * HTTP answers with a view, or with `{error: WireError}`. Every action names what it was based on; when that is
 * no longer so, it is refused with code `console.stale` instead of being applied to something else.
 */
import type { AgentView, ApprovalView, EventView, HostInfo, MessageView, TerminalInfo } from '../host/api.ts';
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
  Verb,
} from '../host/api.ts';
export type { WireError } from '../host/errors.ts';
export type { EventOf, TopicsLike } from '../host/events/topics.ts';

/** A page that was loaded from another version of the server reloads itself. */
export const CONSOLE_PROTOCOL = 1;

/** First WebSocket subprotocol offered; the second is KEY_PREFIX + the page's key. */
export const SUBPROTOCOL = 'aether.console';
export const KEY_PREFIX = 'key.';
/** HTTP header that carries the page's key. */
export const KEY_HEADER = 'x-aether-key';

/* ---------- actions ---------- */

/** What the operator saw when the button was pressed. */
export interface Basis {
  run: string | null;
  state: AgentView['state'];
  /** Generation of the lease, null when nobody held it. */
  lease: number | null;
  /** Since when somebody wanted it to be held (null: nobody did), and whether it was paused. */
  stands?: { hold_ms: number | null; paused: boolean };
}

export interface ActionBody {
  basis: Basis;
}

export interface InjectBody extends ActionBody {
  /** Chosen by the page: sending again with the same id sends nothing twice. */
  id: string;
  text: string;
  priority: 'now' | 'next' | 'later';
}

export interface TakeoverBody extends ActionBody {
  when: 'boundary' | 'now';
  cols: number;
  rows: number;
}

/** The lease that is handed back is `basis.lease`. */
export interface HandbackBody extends ActionBody {
  note?: string;
  /** It goes on only when it is resumed. */
  held?: boolean;
}

/** Files of the workspace that changed since the agent was taken over, held or paused; null while it is not. */
export interface Changes {
  changes: { since_ms: number; files: string[] } | null;
}

export interface EventsPage {
  events: EventView[];
  /** There are more in the direction that was asked for. */
  more: boolean;
}

/* ---------- /ws: what happens in the fleet ---------- */

export type LiveRequest =
  /**
   * Events after `after`, each exactly once and in order, then live ones as they happen; of one agent or
   * (`agent: null`) of all. Replaces the watch before it; `watch` comes back with every page.
   */
  | { type: 'watch'; watch: number; agent: string | null; after: number }
  | { type: 'unwatch' }
  /** This page still holds the lease. */
  | { type: 'beat'; agent: string; generation: number };

/** To the operator, unread: the oldest so many of them, long ones cut. */
export interface Mail {
  messages: MessageView[];
  unread: number;
}

export type LiveMessage =
  /** First, and after every reconnect: the whole fleet as it is. `seq`: the newest event. */
  | {
      type: 'welcome';
      protocol: number;
      you: string;
      now_ms: number;
      seq: number;
      info: HostInfo;
      agents: AgentView[];
      approvals: ApprovalView[];
      mail: Mail;
    }
  /** `more`: the page is not the newest yet, another one follows. */
  | { type: 'events'; watch: number; events: EventView[]; more: boolean }
  /** The log does not reach to `after` (another database): forget what you have and load again. */
  | { type: 'reset'; watch: number; seq: number }
  /** Views that changed, newest state only, and names that are no more. */
  | { type: 'agents'; agents: AgentView[]; gone: string[] }
  /** All open approvals. */
  | { type: 'approvals'; approvals: ApprovalView[] }
  | { type: 'mail'; mail: Mail }
  | { type: 'info'; info: HostInfo }
  /** Says that the connection lives, while nothing happens. */
  | { type: 'beat'; now_ms: number }
  | { type: 'error'; error: WireError };

/* ---------- /terminal/NAME: binary frames are terminal output, text frames are these ---------- */

export type TerminalRequest =
  /** Bytes of output drawn since the connection began. Output stops when too many are not. */
  | { type: 'ack'; bytes: number }
  | { type: 'input'; generation: number; data: string }
  | { type: 'resize'; generation: number; cols: number; rows: number };

export type TerminalMessage =
  /** Clear and draw what follows: the first `replay_bytes` repeat the past, the rest is live. `info` null: no terminal now. */
  { type: 'screen'; info: TerminalInfo | null; replay_bytes: number } | { type: 'error'; error: WireError };
