/**
 * The files that follow from definitions: what is written once, in a definition, is not typed again by hand.
 * `npm run generate` writes them; a test compares each with what its definition gives now.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeJsonSchema } from '../host/config/json-schema.ts';
import { makeCommandList } from './commands.ts';
import { makeLookAlikes } from './look-alikes.ts';
import { makeTableList } from './tables.ts';
import { makeCatalog, makeReadme, makeToolNames } from './tools.ts';
import { makeVerbList, makeVerbNames } from './verbs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface GeneratedFile {
  /** Relative to the checkout, with '/'. */
  path: string;
  /** The whole text that the file should have now. */
  make(): string | Promise<string>;
}

export const generatedFiles: readonly GeneratedFile[] = [
  { path: 'src/mcp-tools/catalog.ts', make: makeCatalog },
  { path: 'src/host/config/tools.ts', make: makeToolNames },
  { path: 'README.md', make: makeReadme },
  { path: 'templates/aether.schema.json', make: makeJsonSchema },
  { path: 'src/host/cli/commands.ts', make: makeCommandList },
  { path: 'src/host/store/tables.ts', make: makeTableList },
  { path: 'src/host/shown/look-alike-data.ts', make: makeLookAlikes },
  { path: 'src/host/verbs/all.ts', make: makeVerbList },
  { path: 'src/host/verbs/names.ts', make: makeVerbNames },
];

/** @returns paths of the files whose text on disk is not what their definition gives. */
export async function staleFiles(directory = root): Promise<string[]> {
  const stale: string[] = [];
  for (const { path, make } of generatedFiles)
    if (textOf(join(directory, path)) !== (await make())) stale.push(path);
  return stale;
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** @returns whether a source file changed: what is made from it is then made again by a process that loads it. */
async function writeAll(): Promise<boolean> {
  let source = false;
  for (const { path, make } of generatedFiles) {
    const text = await make();
    if (textOf(join(root, path)) === text) continue;
    writeFileSync(join(root, path), text);
    process.stdout.write(`${path}\n`);
    source ||= path.endsWith('.ts');
  }
  return source;
}

const program = process.argv[1];
if (program !== undefined && import.meta.url === pathToFileURL(program).href && (await writeAll())) {
  const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
