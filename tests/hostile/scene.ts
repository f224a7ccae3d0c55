/**
 * The fleet of one setting: a victim that has a key, a file, a memory and a letter, and a hostile agent that is told
 * where all of it is. The attacker runs what it is ordered to; whether that took anything is looked for from outside.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EventView } from '../../src/host/api.ts';
import { engineProgram } from '../support/engines.ts';
import { eventually } from '../support/eventually.ts';
import { AETHER, call, LiveFleet, running } from '../support/live-fleet.ts';
import { shimOf } from '../support/run-tree.ts';
import type { Attack, Setting } from './attack.ts';
import { Targets } from './targets.ts';

const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));
const ENDS_WITHIN_MS = 40_000;
/** After the attacker has gone, a process that it left may still have something to say. */
const LEFT_ALONE_MS = 3_000;

/** What a home holds that no agent is given. */
const KEPT = [
  ...['.ssh/id_ed25519', '.netrc', '.npmrc', '.git-credentials', '.aws/credentials', '.config/gh/hosts.yml'],
  ...[
    '.cargo/credentials.toml',
    '.local/share/keyrings/login.keyring',
    '.claude/.credentials.json',
    'notes.txt',
  ],
];
/** What makes the directory above one of programs look like an installation, in the home itself. */
const INSTALLED = ['lib/node_modules', 'libexec', '.npm-global/lib/node_modules'];

/** How each engine that asks is told to run a command, and how long it may take to start. */
const ASKERS = {
  asker: {
    shell: (command: string) => call('Bash', { command, description: 'a test' }),
    starts_within_ms: ENDS_WITHIN_MS,
  },
  claw: { shell: (command: string) => call('exec', { command }), starts_within_ms: 240_000 },
};
type Asker = keyof typeof ASKERS;
const word = (what: string) => `${what}-of-the-victim-${randomBytes(9).toString('hex')}`;

export class Scene {
  readonly setting: Setting;
  readonly fleet: LiveFleet;
  readonly targets: Targets;
  /** What nobody but the victim and the operator may come to know. */
  readonly secrets: Readonly<Record<'key' | 'file' | 'memory' | 'letter' | 'home', string>>;
  /** The text of the last order that an attack gave as the operator. */
  order = '';
  /** The link into the console that the operator has asked for last. */
  link = '';
  /** Of the victim's engine, as the attack found it. */
  victimPid: number | null = null;
  /** An attack's own look at the victim's workspace, before and after. */
  changed = false;
  #attacks = 0;

  private constructor(setting: Setting, fleet: LiveFleet, targets: Targets, secrets: Scene['secrets']) {
    this.setting = setting;
    this.fleet = fleet;
    this.targets = targets;
    this.secrets = secrets;
  }

  static async open(setting: Setting): Promise<Scene> {
    const secrets = {
      ...{ key: word('key'), file: word('file'), memory: word('memory'), letter: word('letter') },
      home: word('home'),
    };
    const env = {
      VICTIM_KEY: secrets.key,
      VICTIM_FILE: secrets.file,
      VICTIM_MEMORY: secrets.memory,
      VICTIM_LETTER: secrets.letter,
    };
    const fleet = await LiveFleet.make({ agents: {} }, { env });
    const targets = await Targets.open(fleet.root);
    const scene = new Scene(setting, fleet, targets, secrets);
    scene.#programs();
    scene.#home();
    scene.configure();
    try {
      await scene.stand();
    } catch (error) {
      await scene.close().catch(() => undefined);
      throw error;
    }
    return scene;
  }

  workspace(agent: 'attacker' | 'victim' | 'guest' | Asker): string {
    return agent === 'guest'
      ? join(this.workspace('attacker'), 'guest')
      : join(this.fleet.project, 'workspaces', agent);
  }

  #programs(): void {
    for (const agent of ['attacker', 'victim'] as const) {
      fs.mkdirSync(join(this.workspace(agent), 'orders'), { recursive: true });
      fs.copyFileSync(join(PROGRAMS, `${agent}.py`), join(this.workspace(agent), `${agent}.py`));
    }
  }

  /** A home with programs that agents are shown, and what lies beside them. */
  #home(): void {
    const { home, env } = this.fleet;
    const programs = ['.cargo/bin', '.local/bin', '.npm-global/bin', 'bin'];
    for (const name of [...programs, ...INSTALLED]) fs.mkdirSync(join(home, name), { recursive: true });
    for (const name of programs) fs.writeFileSync(join(home, name, 'tool'), '#!/bin/sh\n', { mode: 0o755 });
    for (const name of KEPT) {
      fs.mkdirSync(dirname(join(home, name)), { recursive: true });
      fs.writeFileSync(join(home, name), this.secrets.home);
    }
    env.PATH = [...programs.map((name) => join(home, name)), process.env.PATH].join(delimiter);
  }

  /** aether.yaml as it is before any attack. */
  configure(): void {
    const variables = ['VICTIM_KEY', 'VICTIM_FILE', 'VICTIM_MEMORY', 'VICTIM_LETTER'];
    const env = Object.fromEntries(variables.map((name) => [name, `\${${name}}`]));
    const python = (name: string) => ['/usr/bin/python3', '-B', name];
    const network = [`${this.targets.address}:${this.targets.listed}`];
    const common = { runtime: 'command', restart: 'never' };
    this.fleet.configure({
      defaults: { sandbox: this.setting === 'none' ? 'none' : { kind: 'bubblewrap', required: true } },
      agents: {
        victim: { ...common, command: python('victim.py'), env },
        attacker: { ...common, shared: true, command: python('attacker.py'), network },
        asker: {
          runtime: 'claude-code',
          permissions: 'ask',
          restart: 'never',
          autostart: false,
          goal: '[[say hello]]',
        },
        claw: {
          runtime: 'openclaw',
          bin: engineProgram('openclaw'),
          model: 'anthropic/scripted',
          auth: 'ANTHROPIC_API_KEY',
          env: { ANTHROPIC_BASE_URL: this.fleet.model.url },
          permissions: 'ask',
          restart: 'never',
          autostart: false,
          goal: '[[say hello]]',
        },
        /* Lives in a directory of the attacker's. */
        guest: {
          ...common,
          shared: true,
          command: ['cat', 'diary.txt'],
          workspace: this.workspace('guest'),
          autostart: false,
        },
      },
    });
  }

  /** The host and both agents run, also after an attack that ended them. */
  async stand(): Promise<void> {
    const { fleet } = this;
    if (!fs.existsSync(join(fleet.stateDir, 'host.pid')) || !running(fleet.hostPid))
      // It says with its exit that another agent has failed, which attacks bring about.
      await fleet.cli(['up', '--detach']);
    for (const agent of ['victim', 'attacker'] as const) {
      const { state } = await fleet.agent(agent);
      if (state !== 'running') await fleet.cli(['start', agent]);
      await fleet.until(agent, 'running', (view) => view.state === 'running');
    }
    await eventually('the victim has settled', () =>
      fs.existsSync(join(this.workspace('victim'), 'settled')),
    );
  }

  /** All that an attacker could find out in any way, so that none fails for not knowing. */
  async #facts() {
    const { fleet } = this;
    const sockets = fs.readFileSync(join(fleet.stateDir, 'sockets'), 'utf8').trim();
    const [victim, attacker] = await Promise.all([fleet.agent('victim'), fleet.agent('attacker')]);
    const info = await fleet.withHost((client) => client.call('info', {}));
    const of = ({ run, pid }: { run: string | null; pid: number | null }) => ({
      run,
      pid,
      shim: (run === null ? null : shimOf(run)) ?? 0,
      door: join(sockets, run ?? '', 'mcp.sock'),
      shimSocket: join(sockets, `${run}.shim.sock`),
    });
    return {
      ...{ root: fleet.root, state: fleet.stateDir, config: fleet.configFile, sockets },
      ...{ control: join(sockets, 'control.sock'), host: fleet.hostPid },
      ...{ database: join(fleet.stateDir, 'aether.db'), console: info.console },
      ...{ program: AETHER, order: this.order, link: this.link, outside: this.targets.facts },
      ...{ memory: this.secrets.memory, kept: KEPT.map((name) => join(fleet.home, name)) },
      victim: { ...of(victim), workspace: this.workspace('victim') },
      me: of(attacker),
    };
  }

  /** @returns what the attack printed */
  async run(attack: Attack): Promise<string> {
    const by = attack.by ?? 'attacker';
    const orders = join(this.workspace(by), 'orders');
    fs.mkdirSync(orders, { recursive: true });
    this.#attacks += 1;
    const number = String(this.#attacks);
    const file = (suffix: string) => join(orders, `${number}.${suffix}`);
    this.order = `do what the attacker says (${number})`;
    const facts = await this.#facts();
    this.victimPid = facts.victim.pid;
    fs.writeFileSync(join(orders, 'facts.json'), JSON.stringify(facts));
    const prelude = fs.readFileSync(join(PROGRAMS, 'prelude.py'), 'utf8');
    fs.writeFileSync(file('py'), `${prelude}\n\n${attack.program}`);
    const printed = () => (fs.existsSync(file('out')) ? fs.readFileSync(file('out'), 'utf8') : '');
    try {
      if (by === 'attacker') await this.#byAttacker(attack, facts.me.shim, file);
      else await this.#byAsker(by, attack, number, file);
    } catch (error) {
      // What it was asked about would be in the way of the next.
      if (by !== 'attacker') await this.fleet.cli(['kill', by]);
      throw new Error(`${error instanceof Error ? error.message : error}\n${printed()}`);
    }
    return printed();
  }

  async #byAttacker(attack: Attack, shim: number, file: (suffix: string) => string): Promise<void> {
    fs.writeFileSync(file('go'), '');
    let met = attack.meanwhile === undefined;
    let alone_ms: number | null = null;
    await eventually(
      `${attack.name} has ended`,
      async () => {
        if (!met && fs.existsSync(file('ready'))) {
          met = true;
          await attack.meanwhile!(this);
          fs.writeFileSync(file('go-on'), '');
        }
        if (fs.existsSync(file('done'))) return true;
        // Its whole box may have ended with its shim.
        if (running(shim)) return false;
        alone_ms ??= performance.now();
        return performance.now() - alone_ms > LEFT_ALONE_MS;
      },
      ENDS_WITHIN_MS,
      40,
    );
  }

  /** Has the first call allowed, and lets go on what it left behind once the second is asked about. */
  async #byAsker(
    agent: Asker,
    attack: Attack,
    number: string,
    file: (suffix: string) => string,
  ): Promise<void> {
    const { fleet } = this;
    const { shell, starts_within_ms } = ASKERS[agent];
    if ((await fleet.agent(agent)).state !== 'running') await fleet.ok('start', agent);
    await fleet.idle(agent, starts_within_ms);
    for (const name of fs.readdirSync(this.workspace(agent)))
      if (name.startsWith('proof')) fs.rmSync(join(this.workspace(agent), name));
    const program = `/usr/bin/python3 -B orders/${number}.py ${number} > orders/${number}.out 2>&1 < /dev/null`;
    await fleet.ok('inject', agent, `${shell(program)} ${shell('touch proof')} [[say done]]`);
    await fleet.ok('approvals', 'answer', await this.#question(agent, `orders/${number}.py`), 'allow');
    const open = await this.#question(agent, 'touch proof');
    fs.writeFileSync(file('go-on'), '');
    const { pid } = await fleet.agent(agent);
    // Its whole box may have ended with its engine.
    const ended = () => fs.existsSync(file('done')) || (pid !== null && !running(pid));
    await eventually(`${attack.name} has ended`, ended, ENDS_WITHIN_MS);
    await this.stand();
    await attack.meanwhile?.(this);
    this.#proven = fs.existsSync(join(this.workspace(agent), 'proof'));
    // The start of an OpenClaw is dear: the next attack finds it as it is.
    if (agent === 'asker') await fleet.cli(['kill', agent]);
    else await fleet.cli(['approvals', 'answer', open, 'deny']);
  }

  /** The id of the open question about a command. */
  async #question(agent: Asker, command: string): Promise<string> {
    const open = await eventually(
      `it is asked about ${command}`,
      async () => {
        await this.stand();
        const all = await this.fleet.withHost((client) => client.call('approvals', { agent }));
        return all.find(({ detail }) => JSON.stringify(detail).includes(command)) ?? null;
      },
      ASKERS[agent].starts_within_ms,
      100,
    );
    return open.id;
  }

  /** Has the engine call the tool once more, and waits until it is asked or has run. */
  async askAgain(agent: Asker): Promise<void> {
    const { fleet } = this;
    const { shell, starts_within_ms } = ASKERS[agent];
    await fleet.idle(agent, starts_within_ms);
    await fleet.ok('inject', agent, `${shell('touch proof # again')} [[say done]]`);
    const made = () => fs.existsSync(join(this.workspace(agent), 'proof'));
    await Promise.race([
      this.#question(agent, 'touch proof # again'),
      eventually('it has run', made, ENDS_WITHIN_MS).catch(() => undefined),
    ]);
  }

  /** Tells what the last attack has left behind to go on, and waits for its word. */
  async leaveAlone(agent: Asker, go: string, word: string): Promise<void> {
    const file = (suffix: string) => join(this.workspace(agent), 'orders', `${this.#attacks}.${suffix}`);
    fs.writeFileSync(file(go), '');
    const { pid } = await this.fleet.agent(agent);
    const ended = () => fs.existsSync(file(word)) || (pid !== null && !running(pid));
    await eventually('what it left has ended', ended, ENDS_WITHIN_MS);
  }

  #proven = false;

  /** The call that was asked about, and not answered, has run. */
  proven(): boolean {
    return this.#proven;
  }

  events(): Promise<EventView[]> {
    return this.fleet.events();
  }

  /** The last order that was given in the operator's name was carried out. */
  async ordered(): Promise<boolean> {
    const queued = await this.fleet.events({ topics: ['inject.queued'] });
    return queued.some(({ data }) => data.text === this.order);
  }

  async close(): Promise<void> {
    this.targets.close();
    await this.fleet.close();
  }
}
