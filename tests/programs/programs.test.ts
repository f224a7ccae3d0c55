/**
 * Real programs with an adapter (src/runtimes/command/adapters.ts): a message of several lines is one request to their
 * model, whole, and they are interrupted by their own keys. Their models are a server on loopback that notes what it is
 * asked and answers slowly. Long form only: the programs are over 700 MB.
 */
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { ensureInstalled } from '../../src/build/install.mjs';
import type { AdapterName } from '../../src/runtimes/command/adapter.ts';
import { eventually } from '../support/eventually.ts';
import { LiveFleet } from '../support/live-fleet.ts';
import { LONG } from '../support/run-tree.ts';

const INSTALLED = fileURLToPath(new URL('installed/', import.meta.url));
const modules = (path: string): string => join(INSTALLED, 'node_modules', path);
const READY_MS = 120_000;

interface Program {
  command: string[];
  env: Record<string, string>;
  /** In its HOME. */
  files: Record<string, string>;
}

const PROGRAMS: Record<Exclude<AdapterName, 'aider'>, (url: string, workspace: string) => Program> = {
  codex: (url, workspace) => ({
    command: [process.execPath, modules('@openai/codex/bin/codex.js')],
    env: { LOCAL_KEY: 'dummy' },
    files: {
      '.codex/config.toml': [
        'model = "scripted"',
        'model_provider = "local"',
        'approval_policy = "on-request"',
        'sandbox_mode = "read-only"',
        'check_for_update_on_startup = false',
        '[analytics]',
        'enabled = false',
        '[model_providers.local]',
        'name = "local"',
        `base_url = "${url}/v1"`,
        'env_key = "LOCAL_KEY"',
        'wire_api = "responses"',
        `[projects."${workspace}"]`,
        'trust_level = "trusted"',
        '',
      ].join('\n'),
    },
  }),
  gemini: (url) => ({
    command: [process.execPath, modules('@google/gemini-cli/bundle/gemini.js')],
    env: { GEMINI_API_KEY: 'dummy', GOOGLE_GEMINI_BASE_URL: url, GEMINI_CLI_NO_RELAUNCH: '1' },
    files: {
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
        general: { enableAutoUpdate: false, disableAutoUpdate: true, disableUpdateNag: true },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
      }),
    },
  }),
  opencode: (url) => ({
    command: [modules('opencode-linux-x64/bin/opencode')],
    env: {
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    },
    files: {
      '.config/opencode/opencode.json': JSON.stringify({
        autoupdate: false,
        share: 'disabled',
        model: 'local/m',
        provider: {
          local: {
            npm: '@ai-sdk/openai-compatible',
            name: 'local',
            options: { baseURL: `${url}/v1`, apiKey: 'dummy' },
            models: { m: { name: 'm' } },
          },
        },
      }),
    },
  }),
};

describe.runIf(LONG)('real programs', () => {
  let fleet: LiveFleet;
  let model: http.Server;
  /** What each request said. */
  const asked: string[] = [];

  beforeAll(async () => {
    await ensureInstalled(INSTALLED, 'Installing programs with adapters', { scripts: false });
    model = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked.push(Buffer.concat(chunks).toString());
        // Begun and never ended: the program works until it is interrupted.
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      });
    });
    await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
    fleet = await LiveFleet.make({ agents: {} });
    const agents = Object.entries(PROGRAMS).map(([name, of]) => {
      const workspace = join(fleet.project, 'workspaces', name);
      const home = join(fleet.stateDir, 'agents', name);
      const { command, env, files } = of(url, workspace);
      fs.mkdirSync(workspace, { recursive: true });
      for (const [file, text] of Object.entries(files)) {
        fs.mkdirSync(dirname(join(home, file)), { recursive: true, mode: 0o700 });
        fs.writeFileSync(join(home, file), text);
      }
      return [name, { runtime: 'command', adapter: name, command, env, autostart: false }];
    });
    fleet.write(
      stringify({ console: { port: 0 }, defaults: { sandbox: 'none' }, agents: Object.fromEntries(agents) }),
    );
    await fleet.up();
  }, 600_000);
  afterAll(async () => {
    await fleet?.close();
    model?.closeAllConnections();
    model?.close();
  });

  test.each(Object.keys(PROGRAMS))(
    '%s',
    async (name) => {
      await fleet.ok('start', name);
      const mark = `mark-${name}`;
      // Accepted before it is up: it waits for the prompt.
      const { id } = await fleet.withHost((host) =>
        host.call('inject', { agent: name, text: `${mark} first\n  second ünï 🚀\nthird ${mark}-end` }),
      );
      const whole = new RegExp(String.raw`${mark} first\\n {2}second ünï 🚀\\nthird ${mark}-end`);
      await eventually(`${name} asks its model`, () => asked.some((body) => whole.test(body)), READY_MS);
      const receipts = await fleet.withHost((host) => host.call('injections', { agent: name }));
      const { state, steps } = receipts.find((one) => one.id === id)!;
      expect([state, steps.at(-1)!.evidence]).toEqual(['delivered', expect.stringMatching(/^pasted as one/)]);

      await fleet.until(name, 'at work', ({ activity }) => activity === 'thinking', 30_000);
      await fleet.ok('interrupt', name);
      await fleet.until(name, 'at its prompt again', ({ activity }) => activity === 'idle', 30_000);
      // And it takes the next one.
      await fleet.withHost((host) => host.call('inject', { agent: name, text: `${mark}-again` }));
      await eventually(
        `${name} asks again`,
        () => asked.some((body) => body.includes(`${mark}-again`)),
        60_000,
      );
      await fleet.ok('kill', name);
    },
    300_000,
  );
});
