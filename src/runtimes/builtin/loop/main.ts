/**
 * The builtin engine's program: `main --settings FILE [--terminal]`. Reads everything it needs from that file
 * and from its environment, and ends when its input ends or it is told to.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent } from './agent.ts';
import { Conversation } from './conversation.ts';
import { takeLock } from './lock.ts';
import { AetherServer, SERVER_NAME } from './mcp.ts';
import { createModel } from './models.ts';
import { masker, visibleEnv } from './secrets.ts';
import { readSettings } from './settings.ts';
import { StructuredFront, serve } from './structured.ts';
import { TerminalFront } from './terminal/front.ts';
import { runTerminal } from './terminal/terminal.ts';
import { listFilesTool } from './tools/list-files.ts';
import { readFileTool } from './tools/read-file.ts';
import { runCommandTool } from './tools/run-command.ts';
import { Workspace } from './tools/workspace.ts';
import { writeFileTool } from './tools/write-file.ts';

const EXIT_FAILED = 1;
const EXIT_SIGTERM = 143;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { settings: { type: 'string' }, terminal: { type: 'boolean', default: false } },
  });
  if (values.settings === undefined) throw new Error('usage: main --settings FILE [--terminal]');
  const settings = readSettings(values.settings);
  for (const directory of [process.env.HOME, process.env.TMPDIR]) {
    if (directory) mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  // Warnings of the model library are about its settings, not about this agent; they would land in a terminal.
  globalThis.AI_SDK_LOG_WARNINGS = false;

  const mask = masker(process.env, settings.hiddenEnv);
  const env = visibleEnv(process.env, settings.hiddenEnv);
  const front = values.terminal ? new TerminalFront(mask) : new StructuredFront(mask);
  const model = await createModel(settings.model, process.env);
  const conversation = openConversation();
  const server = new AetherServer({ ...settings.mcp, env }, (status, why) => {
    front.emit({ kind: 'mcp-status', servers: [{ name: SERVER_NAME, status }] });
    if (why !== null) {
      front.emit({ kind: 'note', level: 'error', text: `The aether tools are not available: ${why}` });
    }
  });
  const workspace = new Workspace(settings.workspace);
  const local = [
    readFileTool(workspace),
    writeFileTool(workspace),
    listFilesTool(workspace),
    runCommandTool(settings.workspace, env),
  ];
  const fatal = Promise.withResolvers<never>();
  const agent = new Agent(
    { settings, conversation, model, tools: () => [...local, ...server.tools], front },
    { beforeTurn: () => server.ensure(), onFatal: fatal.reject },
  );

  front.emit({ kind: 'session', session: settings.session });
  if (settings.model.startsWith('replay:')) {
    front.emit({
      kind: 'note',
      level: 'info',
      text: 'This agent plays a recorded conversation: no model is called. Its tools and what they answer are real.',
    });
  }
  const connected = server.ensure();
  front.emit({ kind: 'ready' });
  const told = new Promise<number>((resolve) => {
    process.once('SIGTERM', () => resolve(EXIT_SIGTERM));
    process.once('SIGHUP', () => resolve(EXIT_SIGTERM));
  });
  const served =
    front instanceof TerminalFront ? runTerminal(agent, front, conversation, settings) : serve(agent, front);
  const code = await Promise.race([served.then(() => 0), told, fatal.promise]);
  await agent.close();
  if (front instanceof TerminalFront) front.screen.close();
  await connected;
  await server.close();
  conversation.close();
  return code;

  function openConversation(): Conversation {
    mkdirSync(dirname(settings.conversation), { recursive: true, mode: 0o700 });
    const release = takeLock(`${settings.conversation}.lock`);
    process.once('exit', release);
    const { session, agent: name } = settings;
    return new Conversation(settings.conversation, { session, agent: name }, mask);
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    // Errors of this program name files and variables, never their values.
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(EXIT_FAILED);
  },
);
