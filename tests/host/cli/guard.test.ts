/** aether.cjs, the published bin: what it says to a Node that is too old, and that such a Node can parse it. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'vite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../../support/cli.ts';

const BIN = fileURLToPath(new URL('../../../src/host/cli/aether.cjs', import.meta.url));
let root: string;
let bin: string;
/** Makes this Node tell another version: what the guard decides by. */
let pretend: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'aether-guard-'));
  bin = join(root, 'src/host/cli/aether.cjs');
  mkdirSync(join(root, 'src/host/cli'), { recursive: true });
  cpSync(BIN, bin);
  pretend = join(root, 'pretend.cjs');
  writeFileSync(pretend, "Object.defineProperty(process.versions, 'node', { value: '6.17.1' });");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function built(text: string): void {
  mkdirSync(join(root, 'dist/host/cli'), { recursive: true });
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'dist/host/cli/main.js'), text);
}
const old = (...args: string[]) => cli(args, { program: [process.execPath, '--require', pretend, bin] });
const current = (...args: string[]) => cli(args, { program: [process.execPath, bin] });

describe('an old Node', () => {
  it('is told which version is needed and how to get it, in one sentence, and nothing is loaded', async () => {
    built('process.stdout.write("loaded")');
    expect(await old('ps')).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'aether needs Node 24 or newer, and this is Node 6.17.1. Install it from https://nodejs.org, or with nvm: nvm install 24.\n',
    });
  });

  it('is replaced by the Node that the checkout brings, with arguments and exit code', async () => {
    built('process.stdout.write(JSON.stringify(process.argv.slice(2))); process.exitCode = 7;');
    mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
    symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'));
    const { code, stdout } = await old('run', 'alpha', '--', 'a b');
    expect({ code, stdout }).toEqual({ code: 7, stdout: '["run","alpha","--","a b"]' });
  });

  it('is not asked again and again when that Node is no better', async () => {
    built('');
    mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true });
    const unfit = join(root, 'node_modules/node/bin/node');
    writeFileSync(unfit, `#!/bin/sh\nexec '${process.execPath}' --require '${pretend}' "$@"\n`, {
      mode: 0o755,
    });
    const { code, stderr } = await old('ps');
    expect(code).toBe(1);
    expect(stderr).toContain('aether needs Node 24');
  });

  it('can parse the file: nothing in it is newer than ES5', () => {
    const newer: string[] = [];
    const no = (node: { type: string }) => void newer.push(node.type);
    const source = readFileSync(BIN, 'utf8');
    new Visitor({
      ArrowFunctionExpression: no,
      TemplateLiteral: no,
      ChainExpression: no,
      ClassDeclaration: no,
      SpreadElement: no,
      ObjectPattern: no,
      ArrayPattern: no,
      AwaitExpression: no,
      ImportExpression: no,
      ForOfStatement: no,
      VariableDeclaration: (node) => void (node.kind !== 'var' && newer.push(node.kind)),
      Property: (node) => void (node.shorthand && newer.push('shorthand')),
      LogicalExpression: (node) => void (node.operator === '??' && newer.push('??')),
    }).visit(parseSync('aether.cjs', source).program);
    expect(newer).toEqual([]);
    expect(source).not.toMatch(/,\s*\)/);
  });
});

describe('a checkout that is not ready', () => {
  it('says what to run', async () => {
    expect((await current('ps')).stderr).toBe(
      'This checkout of aether is not installed yet. Run: npm install\n',
    );
    mkdirSync(join(root, 'node_modules'));
    const { code, stderr } = await current('ps');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'This checkout of aether is not built yet. Run: npm run build\n',
    });
  });

  it('shows why the program could not be loaded', async () => {
    built("import 'a-package-that-is-not-there';");
    const { code, stderr } = await current('ps');
    expect(code).toBe(1);
    expect(stderr).toContain('a-package-that-is-not-there');
  });
});
