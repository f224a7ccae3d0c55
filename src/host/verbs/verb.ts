/**
 * What a verb is: everything that a client may ask of the host is one definition. Control socket, console route,
 * OpenAPI document, client types and the table of legal verbs follow from it, so a verb is written once.
 */
import type { z } from 'zod';
import type { AgentView, OpenStream, Principal, StreamSink } from '../api.ts';
import type { PrincipalKind } from '../principals.ts';
import type { Rooms } from './rooms.ts';

/** Who asks. Set by the door from its peer or session, never taken from the request. */
export interface Asker {
  principal: Principal;
  /** How people are told who it is: the holder of a lease is this. */
  label: string;
}

/** What decides whether a verb is legal for an agent now. */
export interface VerbFacts {
  name: string;
  state: AgentView['state'];
  lease: AgentView['lease'];
  /** Its engine has a structured channel, by which a turn can be cancelled. */
  structured: boolean;
  /** It is on a terminal, and the keys that cancel what it does are known. */
  interruptKeys?: boolean;
  /** Its tool calls pass a gate, at which it can be held. */
  gated: boolean;
  hasTerminal: boolean;
  /** Its start waits for those of other agents. */
  waitsToStart: boolean;
  /** All its processes are frozen. */
  paused: boolean;
  /** Its shim knows how to pause. */
  pausable: boolean;
  /** A hold is wanted, whether it stands still yet or not. */
  hold: boolean;
  /** Its conversation holds words of others, who may do less. */
  narrowed: boolean;
}

/** What an operator saw of an agent: a click based on something else than what is now is refused. */
export type BasisFact = 'run' | 'state' | 'lease' | 'stands';

interface Definition<Name extends string, Input extends z.ZodObject> {
  name: Name;
  /** One sentence, for the API document. */
  summary: string;
  /** z.strictObject: an unknown field is refused, not ignored. A verb about one agent has `agent`. */
  input: Input;
  who: readonly PrincipalKind[];
  /** Null: legal now; otherwise a sentence that says why not. Read by buttons, the CLI and the dispatcher. */
  legal?(facts: VerbFacts): string | null;
  /** `legal` only advises clients: `run` itself decides. */
  advice?: true;
}

export interface CallVerb<Name extends string, Input extends z.ZodObject, Result>
  extends Definition<Name, Input> {
  kind: 'call';
  /** It changes nothing. */
  reads?: true;
  /** The facts about the agent that the action rests on. */
  basis?: readonly BasisFact[];
  run(rooms: Rooms, input: z.output<Input>, asker: Asker): Result;
}

export interface StreamVerb<Name extends string, Input extends z.ZodObject, Item, Encoded>
  extends Definition<Name, Input> {
  kind: 'stream';
  run(rooms: Rooms, input: z.output<Input>, sink: StreamSink<Item>, asker: Asker): OpenStream;
  /** An item as JSON, for doors that speak it. */
  encode(item: Item): Encoded;
}

export type AnyCall = CallVerb<string, z.ZodObject, unknown>;
// biome-ignore lint/suspicious/noExplicitAny: the one place where streams of all items meet
export type AnyStream = StreamVerb<string, z.ZodObject, any, unknown>;
export type AnyVerb = AnyCall | AnyStream;

export function defineVerb<const Name extends string, Input extends z.ZodObject, Result>(
  definition: CallVerb<Name, Input, Result>,
): CallVerb<Name, Input, Result>;
export function defineVerb<const Name extends string, Input extends z.ZodObject, Item, Encoded>(
  definition: StreamVerb<Name, Input, Item, Encoded>,
): StreamVerb<Name, Input, Item, Encoded>;
export function defineVerb(definition: AnyVerb): AnyVerb {
  return definition;
}

/** Verbs for people and for the host itself; no agent may call them. */
export const OPERATORS = ['operator', 'host'] as const satisfies readonly PrincipalKind[];
