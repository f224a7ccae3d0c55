/** Which messages are sent to whom, and where in that the host dies: drawn from the seed before anything starts. */
import { Random } from './random.ts';

export type Priority = 'now' | 'next' | 'later';

export interface Message {
  /** From 0 on, in the order of the plan. */
  number: number;
  agent: string;
  priority: Priority;
  /** Asked for over the control socket, or by the command. */
  door: 'socket' | 'command';
  /** In the text once, and in no other message. */
  token: string;
  /** The whole text: the token, and what the scripted model does about it. */
  text: string;
  /** Waited before it is sent, after the one before to the same agent was accepted. */
  pause_ms: number;
}

export interface Death {
  /** So many messages are accepted by then. */
  after: number;
  /** And then this long. */
  delay_ms: number;
  /** The next host is killed this long after it took the state directory; null: it lives. */
  successorDies_ms: number | null;
}

export interface InjectPlan {
  agents: string[];
  messages: Message[];
  /** Ascending. */
  deaths: Death[];
}

/** Of all tokens: for looking through what a model was told. */
export const TOKEN = /inject#(\d+)#[0-9a-f]{8};/g;

export function drawInjects(
  seed: string,
  size: { agents: number; injects: number; kills: number },
): InjectPlan {
  const random = new Random(seed);
  const agents = Array.from({ length: size.agents }, (_, n) => `worker-${n}`);
  const messages = Array.from({ length: size.injects }, (_, number): Message => {
    const token = `inject#${number}#${random.between(0, 0xffff_ffff).toString(16).padStart(8, '0')};`;
    return {
      number,
      agent: random.pick(agents),
      priority: random.weighted({ now: 1, next: 4, later: 4 }),
      door: random.weighted({ socket: 24, command: 1 }),
      token,
      text: `${token} ${script(random, number)}`,
      pause_ms: random.pick([0, 0, random.between(0, 150), random.between(0, 600)]),
    };
  });
  const deaths: Death[] = [];
  for (let left = size.kills; left > 0; ) {
    const again = left > 1 && random.next() < 0.25;
    deaths.push({
      // Neither before the first message nor after the last one.
      after: random.between(Math.ceil(size.injects * 0.02), Math.floor(size.injects * 0.97)),
      delay_ms: random.between(0, random.pick([5, 50, 400])),
      successorDies_ms: again ? random.between(0, random.pick([100, 700])) : null,
    });
    left -= again ? 2 : 1;
  }
  return { agents, messages, deaths: deaths.sort((a, b) => a.after - b.after) };
}

/** What it leads to: an answer, one that takes its time, a tool that does, or nothing the model was told to do. */
function script(random: Random, number: number): string {
  switch (random.weighted({ say: 4, slow: 2, tool: 2, nothing: 1 })) {
    case 'say':
      return `[[say heard ${number}]]`;
    case 'slow':
      return `[[slow ${random.between(10, 60)} ${'and so on '.repeat(5)}]]`;
    case 'tool': {
      const command = `echo ran:${number} >> ran; sleep 0.${random.between(0, 5)}`;
      return `[[call Bash ${JSON.stringify({ command, description: 'takes a moment' })}]] [[say ran ${number}]]`;
    }
    case 'nothing':
      return 'Noted.';
  }
}
