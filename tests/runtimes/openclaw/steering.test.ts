/** When a message that is to be folded in goes to the gateway. */
import { expect, test } from 'vitest';
import { Steering } from '../../../src/runtimes/openclaw/driver/steering.ts';

test('waits for the last call at the gate, in its order; without one it goes at once', () => {
  const steering = new Steering();
  const sent: string[] = [];
  const offer = (text: string) => steering.offer(() => sent.push(text));
  offer('one');
  expect(sent).toEqual(['one']);
  steering.stands('a');
  steering.stands('b');
  offer('two');
  offer('three');
  steering.past('a');
  steering.past('of no call');
  expect(sent).toEqual(['one']);
  steering.past('b');
  expect(sent).toEqual(['one', 'two', 'three']);
});

test('does not wait for a call of a turn that is over', () => {
  const steering = new Steering();
  const sent: string[] = [];
  steering.stands('a');
  steering.offer(() => sent.push('one'));
  steering.clear();
  expect(sent).toEqual(['one']);
});
