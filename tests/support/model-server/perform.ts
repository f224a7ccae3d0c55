/** Turns the actions of one response into a timed sequence of pieces that every protocol can write down. */
import { randomUUID } from 'node:crypto';
import type { Action } from './directives.ts';

export type Piece =
  /** `block` counts text, thinking and call blocks of this response from 0. */
  | { type: 'text' | 'thinking'; block: number; text: string }
  | { type: 'call'; block: number; id: string; tool: string; input: unknown; json: string }
  | { type: 'error'; status: number }
  | { type: 'garbage' }
  | { type: 'cut' };

export interface Stage {
  /** Resolves when the hang is released; rejects when the client went away. */
  hang(name: string): Promise<void>;
  sleep(delay_ms: number): Promise<void>;
  /** Counts a failure for this cue; false once it has failed `times` times. */
  shouldFail(times: number): boolean;
}

export async function* perform(actions: Action[], stage: Stage): AsyncGenerator<Piece> {
  let block = 0;
  let breakArguments = false;
  for (const action of actions) {
    switch (action.do) {
      case 'say':
        yield { type: 'text', block: block++, text: action.text };
        break;
      case 'think':
        yield { type: 'thinking', block: block++, text: action.text };
        break;
      case 'slow': {
        for (const word of action.text.match(/\S+\s*/g) ?? []) {
          yield { type: 'text', block, text: word };
          await stage.sleep(action.delay_ms);
        }
        block++;
        break;
      }
      case 'call': {
        const whole = JSON.stringify(action.input);
        const json = breakArguments ? whole.slice(0, Math.ceil(whole.length / 2)) : whole;
        const id = randomUUID().replaceAll('-', '').slice(0, 24);
        yield { type: 'call', block: block++, id, tool: action.tool, input: action.input, json };
        break;
      }
      case 'wait':
        await stage.sleep(action.delay_ms);
        break;
      case 'hang':
        await stage.hang(action.name);
        break;
      case 'error':
        if (stage.shouldFail(action.times)) {
          yield { type: 'error', status: action.status };
          return;
        }
        break;
      case 'malformed':
        if (action.how === 'arguments') {
          breakArguments = true;
          break;
        }
        yield { type: action.how };
        return;
      case 'next':
        break;
    }
  }
}

/** About four characters a token: enough that usage is never zero and grows with the conversation. */
export function tokensOf(value: unknown): number {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? '');
  return Math.max(1, Math.ceil(text.length / 4));
}
