/**
 * What must be true of messages that were sent over the deaths of hosts: held against the database, the journals and
 * the model's own log of requests. Only data goes in, so that each way of being wrong can be tried.
 */
import type { Message, Priority } from './inject-plan.ts';

export interface ReceiptRow {
  id: string;
  agent: string;
  text: string;
  priority: string;
  state: string;
  /** `queued` first. */
  steps: { stage: string; at_ms: number }[];
}

export interface InjectEvidence {
  messages: readonly Message[];
  /** Ids that the host gave or took, by the message's number. */
  accepted: ReadonlyMap<number, string>;
  /** All rows of the database, in the order in which they were accepted. */
  receipts: readonly ReceiptRow[];
  /** Of each model request that tells of any: the numbers of the messages in it, in their order, whoever sent them. */
  told: readonly (readonly number[])[];
  /** How often the frame of an id was written to an engine, by the journals. */
  frames: ReadonlyMap<string, number>;
  /** Lines that tools of these messages wrote, by the message's number. */
  ran: ReadonlyMap<number, number>;
}

export interface InjectFigures {
  messages: number;
  acted: number;
  seen: number;
  unknown: number;
  /** In the requests of the model, each counted in its own conversation. */
  counted: number;
}

const STAGES = ['queued', 'delivered', 'seen', 'acted', 'unknown', 'cancelled'];
const PRIORITIES: Priority[] = ['now', 'next', 'later'];

/** No engine is killed here: a fate that is unknown is a fault as well, if an honest one. */
export function judgeInjects(evidence: InjectEvidence): { violations: string[]; figures: InjectFigures } {
  const { messages, receipts } = evidence;
  const states = (state: string) => receipts.filter((receipt) => receipt.state === state).length;
  const conversations = new Map(
    [...new Set(messages.map(({ agent }) => agent))].map((agent) => [agent, conversationOf(evidence, agent)]),
  );
  const counted = [...conversations.values()].reduce((sum, numbers) => sum + new Set(numbers).size, 0);
  return {
    violations: [
      ...receiptFaults(evidence),
      ...requestFaults(evidence),
      ...[...conversations].flatMap(([agent, numbers]) => conversationFaults(evidence, agent, numbers)),
      ...frameFaults(evidence),
      ...toolFaults(evidence),
    ],
    figures: {
      messages: messages.length,
      acted: states('acted'),
      seen: states('seen'),
      unknown: states('unknown'),
      counted,
    },
  };
}

function receiptFaults({ messages, accepted, receipts }: InjectEvidence): string[] {
  const found: string[] = [];
  const byId = new Map(receipts.map((receipt) => [receipt.id, receipt]));
  for (const { number, agent, text, priority } of messages) {
    const receipt = byId.get(accepted.get(number) ?? '');
    if (receipt === undefined) {
      found.push(`message ${number} to ${agent} has no receipt`);
      continue;
    }
    if (receipt.text !== text || receipt.agent !== agent || receipt.priority !== priority)
      found.push(`the receipt of message ${number} is that of another message`);
    if (receipt.state !== 'acted' && receipt.state !== 'seen')
      found.push(`the receipt of message ${number} to ${agent} (${priority}) says ${receipt.state}`);
    if (!goesForward(receipt.steps.map(({ stage }) => stage)))
      found.push(
        `the receipt of message ${number} goes ${receipt.steps.map(({ stage }) => stage).join(' → ')}`,
      );
  }
  if (receipts.length !== messages.length)
    found.push(`${messages.length} messages were sent, and there are ${receipts.length} receipts`);
  return found;
}

/** Whatever the model was ever asked: nobody else's message, and none twice. */
function requestFaults({ messages, told }: InjectEvidence): string[] {
  const found = new Set<string>();
  const agentOf = new Map(messages.map(({ number, agent }) => [number, agent]));
  for (const numbers of told) {
    const agents = new Set(numbers.map((number) => agentOf.get(number) ?? 'nobody'));
    if (agents.size > 1) found.add(`one request has messages to ${[...agents].join(' and ')}`);
    for (const number of twice(numbers)) found.add(`one request has message ${number} twice`);
  }
  return [...found];
}

/** What an agent was told, at its longest: later requests repeat the earlier ones. */
function conversationOf({ messages, told }: InjectEvidence, agent: string): readonly number[] {
  const own = new Set(messages.filter((message) => message.agent === agent).map(({ number }) => number));
  return told
    .filter((numbers) => numbers.every((number) => own.has(number)))
    .reduce<readonly number[]>(
      (longest, numbers) => (numbers.length >= longest.length ? numbers : longest),
      [],
    );
}

function conversationFaults(evidence: InjectEvidence, agent: string, read: readonly number[]): string[] {
  const own = evidence.messages.filter((message) => message.agent === agent);
  const found: string[] = [];
  const lost = own.filter(({ number }) => !read.includes(number));
  if (lost.length > 0)
    found.push(`${agent} was never told message ${lost.map(({ number }) => number).join(', ')}`);
  for (const numbers of evidence.told) {
    const gone = own.filter(({ number }) => numbers.includes(number) && !read.includes(number));
    if (gone.length > 0)
      found.push(`${agent} was told message ${gone.map(({ number }) => number)}, and then it was gone`);
  }
  for (const priority of PRIORITIES) {
    const sent = own.filter((message) => message.priority === priority).map(({ number }) => number);
    const came = read.filter((number) => sent.includes(number));
    const overtaken = came.findIndex((number, at) => at > 0 && number < came[at - 1]!);
    if (overtaken > 0)
      found.push(
        `${agent} was told message ${came[overtaken - 1]} before message ${came[overtaken]}, both ${priority}`,
      );
  }
  return found;
}

/** Each time that the engine dropped it unread, it waits once more: under another id, which is written once, too. */
function goesForward(stages: readonly string[]): boolean {
  const last = stages.lastIndexOf('queued');
  const dropped = stages.slice(0, Math.max(0, last));
  const order = stages.slice(last).map((stage) => STAGES.indexOf(stage));
  return (
    last >= 0 &&
    dropped.every((stage, at) => stage === (at % 2 === 0 ? 'queued' : 'delivered')) &&
    dropped.length % 2 === 0 &&
    order.every((stage, at) => at === 0 || stage > order[at - 1]!)
  );
}

function frameFaults({ messages, accepted, receipts, frames }: InjectEvidence): string[] {
  const stepsOf = new Map(receipts.map(({ id, steps }) => [id, steps]));
  return messages.flatMap(({ number, agent }) => {
    const id = accepted.get(number) ?? '';
    const given = stepsOf.get(id)?.filter(({ stage }) => stage === 'delivered').length ?? 0;
    const found: string[] = [];
    for (let again = 0; again < Math.max(1, given); again += 1) {
      const times = frames.get(again === 0 ? id : `${id}~${again}`) ?? 0;
      const which = again === 0 ? '' : ` for the ${again + 1}. time`;
      if (times !== 1) found.push(`message ${number} was written to ${agent}${which} ${times} times`);
    }
    return found;
  });
}

/** A tool that a message led to may be cut short, and is never done a second time. */
function toolFaults({ ran }: InjectEvidence): string[] {
  return [...ran].flatMap(([number, times]) =>
    times > 1 ? [`the tool of message ${number} ran ${times} times`] : [],
  );
}

function twice(numbers: readonly number[]): number[] {
  return [...new Set(numbers.filter((number, at) => numbers.indexOf(number) !== at))];
}
