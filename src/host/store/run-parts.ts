/**
 * What a run's row holds beside its plain columns: the floor, the turn and the gate, each one JSON column with one
 * owner. The floor is written by runs/floor.ts, the turn by operations/turn/turn.ts, the gate by operations/gate/.
 */
import type { Activity, Frame, RecallMoment } from '../../runtimes/runtime.ts';
import type { Principal } from '../api.ts';
import type { ProcessRole } from '../shim/shim-protocol.ts';

/** The processes of a run, and which of them has the floor: is written to, and speaks for the agent. */
export interface Floor {
  /** Index of the process that has the floor; null before the first one. */
  process: number | null;
  /** By index: those that run, and the one that has the floor also once it has ended. */
  processes: Record<string, RunProcess>;
  /** What the next terminal is started with. */
  size: TerminalSize;
  /** How far the engine's transcript was read while a human holds the terminal. */
  tail: { path: string; offset: number } | null;
  /** First frames of the present engine process that the shim has not confirmed. */
  opening: Frame[];
  /** How the newest message was typed into a terminal, for its receipt; absent: none was. */
  typed?: { frame: string; how: string };
  /** How many lines, facts and records of this run could not be taken and were left out. */
  leftOut: number;
}

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** One process, and how far its output was understood. */
export interface RunProcess {
  role: ProcessRole;
  /** Null once it has ended. */
  pid: number | null;
  io: 'pipes' | 'pty';
  size: TerminalSize;
  /** The size with which its PTY began; older rows have none. */
  firstSize?: TerminalSize;
  /** Bytes of an unfinished line (of a terminal: of an unfinished character), where a restarted host goes on. */
  partialOut: string;
  partialErr: string;
  /** Where such a line stands that has become long; older rows have none. */
  longOut?: LongLine | null;
  longErr?: LongLine | null;
  /** The end of what it printed for people, on its terminal or to stderr: its last words, should it crash. */
  printed: string;
  /** Journal offset at which its PTY began; null without one. */
  terminalFrom: number | null;
  /** Record boundaries inside the terminal stream, oldest first: where a replay may begin. */
  marks: number[];
  /** When it last printed anything; null: nothing so far. */
  heard_ms: number | null;
}

/** Where in its JSON a long line stands. Never changed in place: an undone transaction goes back to the one before. */
export interface LongLine {
  /** Of the line so far. */
  bytes: number;
  /** Bytes of the string under way; null outside of one. */
  string: number | null;
  /** How many of them were left out. */
  left: number;
  /** Bytes that the escape under way still takes; -1 where its letter comes next. */
  escape: number;
  values: number;
  /** Left out of the strings before. */
  cut: number;
  /** Why the line is passed over up to its end. */
  over: string | null;
}

/** A part of the engine that works in a conversation of its own. */
export interface Subagent {
  id: string;
  label: string | null;
  since_ms: number;
  /** What it is to do; absent: the engine does not say. */
  task?: string;
  /** What its conversation has used; absent: not known. */
  tokens?: number;
}

export interface RecallAsked {
  requestId: string;
  at: RecallMoment;
  words?: string;
}

/** The engine's turn: what it says of it, and which senders it follows. */
export interface TurnRecord {
  /** What the engine itself said last, also while `activity` tells that it is held. */
  says: { activity: Activity; what: string; at_ms: number } | null;
  /** The senders that the conversation follows besides the operator. */
  senders: Principal[];
  /** It was broken off by the host and is to be gone on with: the next message does not begin a turn of its own. */
  goesOn: boolean;
  /** How the newest turn ended, null since a message was delivered: tells rest from a turn that was cut off. */
  ended: 'done' | 'failed' | 'interrupted' | null;
  /** At work for it, oldest first; absent: none. */
  subagents?: Subagent[];
  /** Why the conversation goes on in a new process: worth no turn of its own, so the next message begins with it. */
  untold: string | null;
  /** The same, of the message that began with it, until the engine has shown that one to a model; absent: nothing. */
  toldWith?: { inject: string; text: string };
  /** Messages that the engine works on and has shown to no model yet, by when it took them up; absent: none. */
  taken?: Record<string, number>;
  /** A model has had a message of this process of the engine; absent: none so far. */
  begun?: boolean;
  /** What is remembered was asked for, and the engine waits for the answer whatever dies; absent: nothing. */
  recall?: RecallAsked;
}

/** The gate of the engine that has the floor. */
export interface GateRecord {
  /** False where an older host started the engine: it never asks before the gate is put in. */
  installed: boolean;
  /** Calls that wait for an answer, oldest first. */
  waiting: GateCall[];
  /** Calls that passed and have not answered. */
  running: PassedCall[];
  /** The newest tool use ids that passed: a result of another shows that the gate was not asked. */
  passed: string[];
  /** The tool that ran without having asked: from then on what is held is seen, not enforced. */
  ungated: string | null;
}

export interface PassedCall {
  toolUseId: string;
  tool: string;
  /** The part of the engine that called, where that is not the agent's own turn. */
  subagent?: string;
}

/** A tool call that does not run before the host has answered. */
export interface GateCall {
  requestId: string;
  /** At the gate every call asks; with `permission` the engine's own rules want a person to be asked. */
  stage: 'gate' | 'permission';
  tool: string;
  /** Null where the engine does not say for which call it asks. */
  toolUseId: string | null;
  subagent?: string;
  at_ms: number;
  /** `ask`: the operator is being asked. `none`: a policy failed, so it gets no answer. */
  verdict: 'ask' | 'pass' | 'allow' | 'deny' | 'stop' | 'none';
  /** The question to the operator that decides it. */
  approval?: string;
  /** For the model, where it does not run. */
  message?: string;
}

export function newFloor(opening: Frame[]): Floor {
  return { process: null, processes: {}, size: { cols: 80, rows: 24 }, tail: null, opening, leftOut: 0 };
}

export function newTurn(from: Partial<TurnRecord> = {}): TurnRecord {
  return { says: null, senders: [], goesOn: false, ended: null, untold: null, ...from };
}

export function newGate(): GateRecord {
  return { installed: true, waiting: [], running: [], passed: [], ungated: null };
}
