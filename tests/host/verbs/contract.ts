/**
 * What a client may rely on, asked through the console's door: one suite for the real host and for the double that
 * stands in for it, so that a test against the double is a test against what the host does.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  AgentBasis,
  AgentView,
  EventView,
  InjectionView,
  LeaseView,
  WireError,
} from '../../../src/console/console-protocol.ts';
import type { CuratedMemory, MemoryPage, MemoryQuota, MemoryStory } from '../../../src/host/api.ts';
import { Client } from '../../support/console-client.ts';
import { eventually } from '../../support/eventually.ts';

/**
 * A host with the agent `worker`, idle after its turn, whose engine is structured and has a gate, and the agent
 * `shell`, a program in a terminal.
 */
export interface Subject {
  /** A fresh link into its console. */
  link(): Promise<string>;
  close(): Promise<void>;
}

const SIZE = { cols: 80, rows: 24 };

/** One signed-in browser. Throws nothing: a refusal is an answer. */
class Operator {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  ask<T>(verb: string, input: object, basis?: AgentBasis): Promise<{ status: number; body: T }> {
    return this.#client.call<T>(verb, input, basis);
  }

  async get<T>(verb: string, input: object): Promise<T> {
    const { status, body } = await this.ask<T>(verb, input);
    expect(status, `${verb}: ${JSON.stringify(body)}`).toBe(200);
    return body;
  }

  agent(name: string): Promise<AgentView> {
    return this.get<AgentView>('agent', { agent: name });
  }

  /** An action that rests on what is now. */
  async act<T = AgentView>(verb: string, input: { agent: string } & Record<string, unknown>) {
    return this.ask<T>(verb, input, basisOf(await this.agent(input.agent)));
  }

  /** The same, of an action that is done. */
  async does<T = AgentView>(verb: string, input: { agent: string } & Record<string, unknown>): Promise<T> {
    const { status, body } = await this.act<T>(verb, input);
    expect(status, `${verb}: ${JSON.stringify(body)}`).toBe(200);
    return body;
  }

  async refused(verb: string, input: { agent: string } & Record<string, unknown>): Promise<WireError> {
    const { status, body } = await this.act<{ error: WireError }>(verb, input);
    expect(status, `${verb} is refused`).toBeGreaterThanOrEqual(400);
    return body.error;
  }
}

function basisOf({ run, state, lease, hold, activity }: AgentView): AgentBasis {
  return {
    run,
    state,
    lease: lease?.generation ?? null,
    stands: { hold_ms: hold?.since_ms ?? null, paused: activity === 'paused' },
  };
}

export function verbContract(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let ann: Operator;
    let bob: Operator;
    const signIn = async () => new Operator(await Client.signIn(await subject.link()));

    beforeAll(async () => {
      subject = await make();
      ann = await signIn();
      bob = await signIn();
    }, 60_000);
    afterAll(() => subject.close());

    it('knows no other agent', async () => {
      for (const verb of ['agent', 'injections', 'changes', 'lastTerminal']) {
        const answer = await ann.ask<{ error: WireError }>(verb, { agent: 'nobody' });
        expect(answer, verb).toMatchObject({ status: 404, body: { error: { code: 'agent.unknown' } } });
      }
      const basis = basisOf(await ann.agent('worker'));
      for (const verb of ['start', 'stop', 'kill', 'hold', 'pause', 'interrupt']) {
        const answer = await ann.ask(verb, { agent: 'nobody' }, basis);
        expect(answer, verb).toMatchObject({ status: 404, body: { error: { code: 'agent.unknown' } } });
      }
    });

    it('refuses what its table refuses, in the words of the table', async () => {
      const { verbs } = await ann.agent('worker');
      expect(verbs).toMatchObject({
        start: 'worker already runs.',
        hold: null,
        pause: null,
        stop: null,
        takeover: null,
      });
      expect(verbs.resume).toBe('worker is neither held nor paused.');
      const refusal = await ann.refused('start', { agent: 'worker' });
      expect(refusal).toMatchObject({ code: 'verb.illegal', message: `Cannot start worker: ${verbs.start}` });
      expect(await ann.refused('resume', { agent: 'worker' })).toMatchObject({ code: 'verb.illegal' });
      const shell = await ann.agent('shell');
      expect(shell.can.hold).toBe(false);
      expect(shell.verbs.attach).toBeNull();
      expect(shell.verbs.hold).toContain('no gate');
      expect(await ann.refused('hold', { agent: 'shell' })).toMatchObject({ code: 'verb.illegal' });
      expect(await ann.refused('interrupt', { agent: 'shell' })).toMatchObject({ code: 'verb.illegal' });
    });

    it('holds, and lets go on; a click on what was before is refused', async () => {
      const before = basisOf(await ann.agent('worker'));
      const asked = await ann.does('hold', { agent: 'worker' });
      expect(asked.hold).toMatchObject({ by: 'operator' });
      const held = await eventually('it is held', async () => {
        const view = await ann.agent('worker');
        return view.activity === 'held' ? view : null;
      });
      expect(held.verbs.hold).toBe('worker is held already.');
      const stale = await bob.ask('pause', { agent: 'worker' }, before);
      expect(stale).toMatchObject({ status: 409, body: { error: { code: 'verb.stale' } } });
      expect((await ann.does('resume', { agent: 'worker' })).hold).toBeNull();
      expect((await ann.agent('worker')).verbs.resume).toBe('worker is neither held nor paused.');
    });

    it('pauses, and while it does nothing else of it is begun', async () => {
      const paused = await ann.does('pause', { agent: 'worker' });
      expect(paused).toMatchObject({ state: 'running', activity: 'paused' });
      expect(paused.verbs.takeover).toBe('worker is paused; resume it first.');
      expect(await ann.refused('takeover', { agent: 'worker', when: 'now', ...SIZE })).toMatchObject({
        code: 'verb.illegal',
      });
      expect(await ann.refused('pause', { agent: 'worker' })).toMatchObject({ code: 'verb.illegal' });
      expect((await ann.does('resume', { agent: 'worker' })).activity).not.toBe('paused');
    });

    it('gives the floor to one, by whose label it is known', async () => {
      const lease = await ann.does<LeaseView>('takeover', { agent: 'shell', when: 'now', ...SIZE });
      expect(lease).toMatchObject({
        agent: 'shell',
        phase: 'held',
        holder: expect.stringMatching(/^console-/),
      });
      const { generation, holder } = lease;
      const other = await bob.refused('takeover', { agent: 'shell', when: 'now', ...SIZE });
      expect(other.message).toContain(`${holder} holds shell`);
      const write = { agent: 'shell', generation, data: 'x' };
      expect(await bob.ask('terminalWrite', write)).toMatchObject({
        body: { error: { code: 'lease.not-holder' } },
      });
      expect(await ann.ask('terminalWrite', { ...write, generation: generation - 1 })).toMatchObject({
        body: { error: { code: 'lease.stale' } },
      });
      expect(await ann.ask('terminalWrite', write)).toEqual({ status: 200, body: null });
      expect(await ann.ask('terminalResize', { agent: 'shell', generation, cols: 100, rows: 30 })).toEqual({
        status: 200,
        body: null,
      });
      expect(await ann.get('changes', { agent: 'shell' })).toMatchObject({ files: expect.any(Array) });
      expect((await ann.does('handback', { agent: 'shell', generation, note: 'done' })).lease).toBeNull();
      expect(await ann.refused('handback', { agent: 'shell', generation })).toMatchObject({
        code: 'lease.stale',
      });
      expect(await ann.refused('handback', { agent: 'shell', generation, held: true })).toMatchObject({
        code: 'verb.illegal',
      });
    });

    it('takes a message once by its id', async () => {
      const id = '0198c2f0-0000-7000-8000-000000000001';
      const message = { agent: 'shell', id, text: 'hello' };
      const sent = await ann.does<InjectionView>('inject', message);
      expect(sent).toMatchObject({ id, agent: 'shell', text: 'hello', principal: 'operator' });
      expect((await ann.does<InjectionView>('inject', message)).id).toBe(id);
      expect(await ann.refused('inject', { ...message, text: 'something else' })).toMatchObject({
        code: 'inject.id',
      });
      const all = await ann.get<InjectionView[]>('injections', { agent: 'shell' });
      expect(all.filter((one) => one.id === id)).toHaveLength(1);
      expect((await ann.get<InjectionView>('injection', { id })).id).toBe(id);
      for (const verb of ['injection', 'cancelInjection'])
        expect(await ann.ask(verb, { id: 'inj_none' }), verb).toMatchObject({
          status: 404,
          body: { error: { code: 'inject.unknown' } },
        });
    });

    it('answers and acknowledges only what there is', async () => {
      expect(await ann.get('approvals', {})).toEqual([]);
      expect(await ann.ask('answerApproval', { id: 'apr_none', allow: true })).toMatchObject({
        status: 404,
        body: { error: { code: 'approval.unknown' } },
      });
      expect(await ann.get('operatorMail', {})).toEqual({ messages: [], unread: 0 });
      const acked = await ann.ask('ackOperatorMail', { ids: ['none'] });
      expect(acked).toMatchObject({ body: { error: { code: 'mail.unknown' } } });
    });

    it('pages events both ways, in order and without a gap', async () => {
      const page = (filter: object) => ann.get<EventView[]>('events', filter);
      const newest = await page({ last: true, limit: 3 });
      expect(newest).toHaveLength(3);
      const earlier = await page({ last: true, limit: 3, before: newest[0]!.cursor });
      expect(earlier.at(-1)!.seq).toBeLessThan(newest[0]!.seq);
      expect((await page({ after: earlier.at(-1)!.cursor, limit: 3 })).map(({ id }) => id)).toEqual(
        newest.map(({ id }) => id),
      );
      expect(await ann.ask('events', { after: 'not one of ours' })).toMatchObject({ status: 400 });
      expect(await page({ agent: 'nobody' })).toEqual([]);
      for (const { topic } of await page({ topics: ['lease.'] })) expect(topic).toMatch(/^lease\./);
    });

    it('looks after memories: comes, is found, corrected once, judged, counted and forgotten', async () => {
      const scope = 'agent:worker';
      const memories = [{ text: 'The ferry leaves at nine.', key: 'ferry' }];
      const asked = { scope, from: 'a test', memories };
      expect(await ann.get('importMemories', { ...asked, preview: true })).toMatchObject({ fates: ['new'] });
      expect((await ann.get<MemoryQuota>('memoryQuota', { scope })).first).toEqual([]);
      expect(await ann.get('importMemories', asked)).toMatchObject({ stored: 1, fates: ['new'] });
      const page = await ann.get<MemoryPage>('memories', { scope, query: 'when does the ferry leave' });
      const [{ id }] = page.memories as [CuratedMemory];
      expect(page).toMatchObject({ memories: [{ found: expect.stringContaining('has ') }], notes: [] });
      const made = await ann.get<CuratedMemory>('editMemory', { id, text: 'The ferry leaves at ten.' });
      const late = await bob.ask('editMemory', { id, text: 'The ferry leaves at eleven.' });
      expect(late).toMatchObject({ status: 409, body: { error: { code: 'memory.conflict' } } });
      await bob.get('feedback', { memory: made.id, thumb: 'down', words: 'It is nine.' });
      const told = await ann.get<MemoryStory>('memory', { id: made.id });
      expect(told).toMatchObject({
        history: [{ id }],
        feedback: [{ thumb: 'down', kept: { layer: 'social' } }],
      });
      expect((await ann.get<MemoryQuota>('memoryQuota', { scope })).memories).toBe(2);
      expect(await ann.get('forgetMemory', { id: made.id })).toMatchObject({ earlier: [id] });
      expect(await ann.ask('memory', { id: made.id })).toMatchObject({ status: 404 });
    });

    it('stops, starts and kills; stopping what is stopped is no error', async () => {
      const stopped = await ann.does('stop', { agent: 'shell' });
      expect(stopped).toMatchObject({
        state: 'stopped',
        wanted: 'stopped',
        pid: null,
        lease: null,
        hold: null,
      });
      expect(stopped.verbs).toMatchObject({
        start: null,
        kill: 'shell is stopped.',
        stop: 'shell is already stopped.',
      });
      expect((await ann.act('stop', { agent: 'shell' })).status).toBe(200);
      expect(await ann.refused('kill', { agent: 'shell' })).toMatchObject({ code: 'verb.illegal' });
      expect(typeof (await ann.get('lastTerminal', { agent: 'shell' }))).toBe('string');
      const started = await ann.does('start', { agent: 'shell' });
      expect(started).toMatchObject({ state: 'running', wanted: 'running' });
      expect(started.run).not.toBe(stopped.run);
      expect(await ann.does('kill', { agent: 'shell' })).toMatchObject({ state: 'stopped', pid: null });
    });
  });
}
