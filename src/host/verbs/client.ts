/**
 * The verbs as a client sees them, derived from their definitions: input and output of each. Types only; the CLI
 * and the browser import this and load nothing of it.
 */
import type { z } from 'zod';
import type { verbs } from './all.ts';

type Verbs = typeof verbs;
type Named<Kind extends 'call' | 'stream'> = {
  [N in keyof Verbs]: Verbs[N]['kind'] extends Kind ? N : never;
}[keyof Verbs];

export type CallName = Named<'call'>;
export type StreamName = Named<'stream'>;

/** As JSON carries it: what has no result answers null. */
// biome-ignore lint/suspicious/noConfusingVoidType: the result of a verb that returns none
type Carried<Result> = [Result] extends [void] ? null : Result;

/** Verbs that answer once. */
export type Calls = {
  [N in CallName]: {
    input: z.input<Verbs[N]['input']>;
    output: Carried<Awaited<ReturnType<Verbs[N]['run']>>>;
  };
};

/** Results as a caller in the host's own process gets them. */
export type Results = { [N in CallName]: ReturnType<Verbs[N]['run']> };

type Item<Verb> = Verb extends { encode(item: infer One): unknown } ? One : never;
type Encoded<Verb> = Verb extends { encode(item: never): infer One } ? One : never;

/** Verbs that answer with items until they are cancelled or, where said so, end by themselves. */
export type Streams = {
  [N in StreamName]: { input: z.input<Verbs[N]['input']>; item: Encoded<Verbs[N]> };
};

/** Items before they are encoded for a wire. */
export type StreamItems = { [N in StreamName]: Item<Verbs[N]> };
