/** `aether attach`: an agent's terminal in this one — to watch, or to hold and hand back. */
import { createInterface } from 'node:readline/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { LeaseView, TerminalItem } from '../../api.ts';
import type { ControlClient } from '../../control/client.ts';
import { AetherError } from '../../errors.ts';
import { ExitCode } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { invocation, withHost } from '../invocation.ts';
import { note } from '../output.ts';
import { RawTerminal, requireTerminal, splitAtHandBack } from '../raw-terminal.ts';
import type { PaneItem, TerminalPane } from '../terminal-pane.ts';
import { oneLine } from '../text.ts';
import { type CliCommand, declareVerb, globalsOf } from '../verb.ts';

export const commands: CliCommand[] = [{ names: ['attach'], place: 90, register: registerAttach }];

/** The host takes a holder for vanished after 30 s of silence. */
const BEAT_MS = 10_000;
const RETURN_MS = 3_000;

interface AttachOptions {
  now?: boolean;
  watch?: boolean;
  held?: boolean;
}

function registerAttach(program: Command): void {
  declareVerb(program, {
    usage: 'attach <agent>',
    summary: "take over an agent's terminal; Ctrl-] hands it back",
    examples: ['aether attach researcher', 'aether attach researcher --watch'],
    notes: [
      'The takeover waits until the running tool is done. While you hold the terminal the agent waits;',
      'when you hand it back it reads your note and goes on with the same conversation. Handed back held, it',
      'waits for `aether resume`; so it does when your connection is lost and does not come back.',
    ],
  })
    .option('--now', 'interrupt the running tool instead of waiting for it')
    .option('--held', 'hand it back held: it goes on only at `aether resume`')
    .option('--watch', 'only look: nothing is stopped, typed or resized')
    .action(async (name: string, options: AttachOptions, command: Command) => {
      requireTerminal();
      await withHost(invocation(globalsOf(command)), async (client) => {
        if (options.watch) await watch(client, name);
        else await hold(client, name, options.now ? 'now' : 'boundary', options.held === true);
      });
    });
}

type Ending = 'handback' | 'signal' | 'gone';

async function watch(client: ControlClient, name: string): Promise<void> {
  const view = await client.call('agent', { agent: name });
  if (!view.terminal.available) {
    throw new AetherError({
      code: 'terminal.none',
      who: 'user',
      message: `${name} has no terminal now: its engine runs on a structured channel.`,
      next: `Watch its transcript with \`aether logs --follow ${name}\`, or take over with \`aether attach ${name}\`.`,
    });
  }
  const { TerminalPane } = await import('../terminal-pane.ts');
  note(`Watching ${name}; Ctrl-] or Ctrl-C leaves.`);
  await screen(client, name, null, TerminalPane);
}

async function hold(
  client: ControlClient,
  name: string,
  when: 'boundary' | 'now',
  held: boolean,
): Promise<void> {
  // Said before, not when it is too late to do it another way.
  if (held && !(await client.call('agent', { agent: name })).can.hold) {
    throw new AetherError({
      code: 'verb.illegal',
      who: 'user',
      message: `${name} has no gate, so it cannot be handed back held.`,
      next: `Attach without --held; \`aether pause ${name}\` stops it where it is.`,
    });
  }
  const terminal = new RawTerminal();
  // Before it is held: from then on keys and signals belong to it. No other command needs an emulator.
  const { TerminalPane } = await import('../terminal-pane.ts');
  const lease = await takeTheFloor(client, name, when, terminal.size());
  if (lease === null) return;
  note(`You hold ${name}. Ctrl-] hands it back.`);
  const ending = await screen(client, name, lease, TerminalPane);
  if (ending === 'gone' && (await hasLeft(client, name, lease.generation))) {
    note(`Handed ${name} back.`);
    return;
  }
  if (ending === 'gone') {
    note(`You no longer hold ${name}.`);
    process.exitCode = ExitCode.failed;
    return;
  }
  if (ending === 'handback') await tellChanges(client, name);
  const text = ending === 'handback' ? await askNote(name) : '';
  await client.call('handback', {
    agent: name,
    generation: lease.generation,
    ...(text === '' ? {} : { note: text }),
    ...(held ? { held } : {}),
  });
  note(held ? `Handed ${name} back, held. It goes on at: aether resume ${name}` : `Handed ${name} back.`);
}

/** Null when the operator gave up waiting. */
async function takeTheFloor(
  client: ControlClient,
  name: string,
  when: 'boundary' | 'now',
  size: { cols: number; rows: number },
): Promise<LeaseView | null> {
  let givenUp = false;
  const restore = onInterrupt((count) => {
    if (count > 1) process.exit(ExitCode.interrupted);
    givenUp = true;
    note('Giving up: the terminal is handed back as soon as it is yours (Ctrl-C again leaves at once).');
  });
  const changes = client.stream('followAgents');
  const told = (async () => {
    let last: string | null = null;
    for await (const { agents } of changes) {
      const lease = agents.find((view) => view.name === name)?.lease;
      if (lease?.phase !== 'pending' || !lease.waitingFor || lease.waitingFor === last) continue;
      last = lease.waitingFor;
      note(`Waiting for ${oneLine(last)} (--now interrupts it) …`);
    }
  })();
  try {
    const lease = await client.call('takeover', { agent: name, when, ...size });
    if (!givenUp) return lease;
    await client.call('handback', { agent: name, generation: lease.generation });
    process.exitCode = ExitCode.interrupted;
    return null;
  } finally {
    restore();
    changes.cancel();
    await told;
  }
}

/** Shows the terminal and, with a lease, types into it. Restores this one before it returns. */
async function screen(
  client: ControlClient,
  name: string,
  lease: LeaseView | null,
  Pane: typeof TerminalPane,
): Promise<Ending> {
  const terminal = new RawTerminal();
  const bytes = client.stream('attach', { agent: name });
  const write = (text: string) => void process.stdout.write(text);
  const pane = new Pane({ write, size: () => terminal.size(), holds: lease !== null });
  /** As the host names this window among those that look at the terminal. */
  let viewer: string | null = null;
  const own = () => (viewer === null ? {} : { viewer });
  let ending: Ending = 'gone';
  const end = (how: Ending) => {
    ending = how;
    bytes.cancel();
  };
  // A refused keystroke means that another holds the lease by now.
  const sent = (result: Promise<unknown>) => void result.catch(() => end('gone'));

  // A paste comes in chunks that may end inside a character.
  const decoder = new StringDecoder('utf8');
  const onData = (data: Buffer) => {
    const { before, pressed } = splitAtHandBack(decoder.write(data));
    if (lease === null) {
      if (pressed || before.includes('\x03')) end('handback');
      return;
    }
    const typed = { agent: name, generation: lease.generation, data: before, ...own() };
    if (before !== '') sent(client.call('terminalWrite', typed));
    if (pressed) end('handback');
  };
  const resize = () => {
    pane.fit();
    if (lease === null) return;
    const { cols, rows } = terminal.size();
    sent(client.call('terminalResize', { agent: name, generation: lease.generation, cols, rows, ...own() }));
  };
  const beat = setInterval(() => {
    if (lease !== null) sent(client.call('leaseBeat', { agent: name, generation: lease.generation }));
  }, BEAT_MS);
  const restoreSignals = onInterrupt(() => end('signal'));

  terminal.enter();
  process.stdin.on('data', onData);
  process.stdout.on('resize', resize);
  const watchLease = lease === null ? null : followLease(client, name, lease.generation, () => end('gone'));
  try {
    for await (const item of bytes) {
      if (item.kind !== 'sized') pane.take(decoded(item));
      else if (viewer === null) {
        viewer = item.you;
        resize();
        if (lease !== null)
          sent(client.call('terminalUse', { agent: name, generation: lease.generation, viewer }));
      }
    }
  } finally {
    clearInterval(beat);
    pane.close();
    watchLease?.();
    process.stdin.off('data', onData);
    process.stdout.off('resize', resize);
    terminal.restore();
    restoreSignals();
  }
  return ending;
}

function decoded(item: Exclude<TerminalItem, { kind: 'sized' }>): PaneItem {
  return item.kind === 'size' ? item : { ...item, data: Buffer.from(item.data, 'base64') };
}

/** Calls `lost` when the lease of this generation is held no longer. @returns stop. */
function followLease(client: ControlClient, name: string, generation: number, lost: () => void): () => void {
  const changes = client.stream('followAgents');
  void (async () => {
    for await (const { agents, removed } of changes) {
      const view = agents.find((one) => one.name === name);
      if (removed.includes(name) || (view && view.lease?.generation !== generation)) lost();
    }
  })().catch(lost); // the connection is gone, and with it the terminal
  return () => changes.cancel();
}

/** True when the holder left by the program's own way out: the host takes that for a hand-back. */
async function hasLeft(client: ControlClient, name: string, generation: number): Promise<boolean> {
  try {
    // The terminal may end a moment before its lease.
    for (const end = Date.now() + RETURN_MS; Date.now() < end; await sleep(50)) {
      const events = client.stream('logs', { agent: name, topics: ['lease.'], last: 10, follow: false });
      for await (const { topic, data } of events) {
        const over = topic === 'lease.returned' || topic === 'lease.expired' || topic === 'lease.ended';
        // Without `left` it came to another end than the holder meant.
        if (over && data.generation === generation) return topic === 'lease.returned' && data.left === true;
      }
    }
  } catch {
    // The host has gone away: nothing is known, so nothing good is claimed.
  }
  return false;
}

/** What the agent will be told by itself: the note need not say it. */
async function tellChanges(client: ControlClient, name: string): Promise<void> {
  const files = (await client.call('changes', { agent: name }))?.files ?? [];
  if (files.length > 0) note(`Changed meanwhile (${name} is told): ${oneLine(files.join(', '))}`);
}

async function askNote(name: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D here mean "no note", not "keep it": the terminal is handed back either way.
  const skip = new AbortController();
  lines.on('SIGINT', () => skip.abort());
  lines.on('close', () => skip.abort());
  try {
    return (await lines.question(`Note for ${name} (Enter for none): `, { signal: skip.signal })).trim();
  } catch (error) {
    if (skip.signal.aborted) return '';
    throw error;
  } finally {
    lines.close();
  }
}
