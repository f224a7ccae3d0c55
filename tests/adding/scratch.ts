/**
 * A copy of this checkout to which something is added as a contributor would add it: files are written, generated
 * files made again, types and tests run. Says which files were touched, so that a test can hold the count.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../src/build/bundle.mjs';
import { generatedFiles } from '../../src/build/generate.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** Of one command; types and one test file take seconds. */
const COMMAND_MS_MAX = 240_000;
/** What the compiler keeps between its runs, not tracked: of the files that are the same it need not think again. */
const KNOWN = ['.types.tsbuildinfo', '.types-web.tsbuildinfo'];
/** Installed, not tracked: linked instead of copied. */
const INSTALLED = ['node_modules', 'tests/engines/node_modules'];

export interface Complaint {
  /** Relative to the checkout. */
  file: string;
  text: string;
}

export interface Touched {
  /** Made by `npm run generate`. */
  generated: string[];
  /** Everything else: what a contributor writes. */
  written: string[];
}

export class Scratch {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A copy of the files as they are now, tracked or not yet, committed as the base of the comparison. */
  static make(): Scratch {
    const scratch = new Scratch(mkdtempSync(join(tmpdir(), 'aether-scratch-')));
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    for (const file of listed.split('\0')) {
      if (file === '' || !existsSync(join(ROOT, file))) continue;
      const target = join(scratch.directory, file);
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(ROOT, file), target);
    }
    for (const installed of INSTALLED)
      if (existsSync(join(ROOT, installed)))
        symlinkSync(join(ROOT, installed), join(scratch.directory, installed));
    for (const known of KNOWN)
      if (existsSync(join(ROOT, known))) cpSync(join(ROOT, known), join(scratch.directory, known));
    scratch.#git('init', '--quiet');
    writeFileSync(join(scratch.directory, '.git/info/exclude'), 'node_modules\n');
    scratch.#git('add', '--all');
    scratch.#git('commit', '--quiet', '--no-verify', '--message', 'base');
    return scratch;
  }

  write(file: string, text: string): void {
    const path = join(this.directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** @throws Error when the text to replace is not there exactly once */
  edit(file: string, old: string, next: string): void {
    const text = readFileSync(join(this.directory, file), 'utf8');
    if (text.split(old).length !== 2) throw new Error(`${file} does not hold ${JSON.stringify(old)} once`);
    this.write(
      file,
      text.replace(old, () => next),
    );
  }

  /** @throws Error with what it printed, when a generated file cannot be made */
  generate(): void {
    this.#node('src/build/generate.ts');
  }

  /** Of the compiler, about the whole of a project. */
  complaints(project: string): Complaint[] {
    // One thread: several look at much of the same again.
    const said = this.#said(
      'node_modules/typescript/bin/tsc',
      '-p',
      project,
      '--pretty',
      'false',
      '--singleThreaded',
    );
    // What explains a complaint is on indented lines below it.
    return said.split(/\n(?=\S)/).flatMap((text) => {
      if (text.trim() === '') return [];
      const [, file] = /^(\S+?)\(\d+,\d+\): error /.exec(text) ?? [];
      if (file === undefined) throw new Error(`The compiler says: ${text}`);
      return [{ file, text }];
    });
  }

  /** Joins the programs as they are published: started so, each costs a third of what its sources do. */
  async build(): Promise<void> {
    await bundle(join(this.directory, 'src'), join(this.directory, 'dist'));
    // The mark of a build: its tests take their programs from there, too.
    writeFileSync(join(this.directory, 'dist', '.built'), '');
  }

  /**
   * @param args files of tests, and options of the runner
   * @throws Error with the report, when a test fails
   */
  test(...args: string[]): void {
    this.#node('node_modules/vitest/vitest.mjs', 'run', ...args);
  }

  /** What differs from the base, new files included, sorted. */
  touched(): Touched {
    this.#git('add', '--all');
    const files = this.#git('diff', '--cached', '--name-only', '-z', 'HEAD')
      .split('\0')
      .filter(Boolean)
      .sort();
    const isGenerated = (file: string) => generatedFiles.some(({ path }) => path === file);
    return { generated: files.filter(isGenerated), written: files.filter((file) => !isGenerated(file)) };
  }

  /** What was added since the copy was made, and committed. */
  added(): string[] {
    const [made] = this.#git('rev-list', '--max-parents=0', 'HEAD').trim().split('\n');
    return this.#git('diff', '--name-only', '-z', made!, 'HEAD').split('\0').filter(Boolean);
  }

  /** What was added so far becomes the base of the next comparison. */
  commit(message: string): void {
    this.#git('add', '--all');
    this.#git('commit', '--quiet', '--no-verify', '--message', message);
  }

  /** What `aether` is run with, to try what was built. */
  get program(): [string, string] {
    return [process.execPath, join(this.directory, 'dist/host/cli/main.js')];
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #git(...args: string[]): string {
    const identity = ['-c', 'user.name=scratch', '-c', 'user.email=scratch@localhost'];
    const hardened = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];
    return this.#run('git', [...identity, ...hardened, ...args]);
  }

  /** What a program said that may find fault. */
  #said(...args: string[]): string {
    try {
      return this.#node(...args);
    } catch (error) {
      const { status, stdout } = (error as Error).cause as { status?: number | null; stdout?: string };
      if (typeof status !== 'number') throw error;
      return stdout ?? '';
    }
  }

  #node(...args: string[]): string {
    return this.#run(process.execPath, args);
  }

  #run(program: string, args: string[]): string {
    // Not those of the test runner that this runs in.
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|NODE_OPTIONS|NODE_ENV|GIT_|AETHER_)/.test(name),
    );
    try {
      return execFileSync(program, args, {
        cwd: this.directory,
        env: Object.fromEntries(own),
        encoding: 'utf8',
        maxBuffer: OUTPUT_BYTES_MAX,
        timeout: COMMAND_MS_MAX,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string };
      const said = `${stdout ?? ''}${stderr ?? ''}`.trim();
      throw new Error(`${[program, ...args].join(' ')} failed:\n${said.slice(-8_000)}`, { cause: error });
    }
  }
}
