/** Lists the verbs: reads the files in host/verbs/ and writes down which definitions they hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyVerb } from '../host/verbs/verb.ts';

const directory = fileURLToPath(new URL('../host/verbs/', import.meta.url));
/** Generated from the others, so neither they nor what imports them is asked for definitions. */
const LIST = 'all.ts';

interface Found {
  file: string;
  exported: string;
  verb: AnyVerb;
}

function isVerb(value: unknown): value is AnyVerb {
  const verb = value as Partial<AnyVerb> | null;
  return (
    typeof verb === 'object' &&
    verb !== null &&
    (verb.kind === 'call' || verb.kind === 'stream') &&
    typeof verb.run === 'function'
  );
}

/** @throws Error when two definitions have one name, or one about an agent takes none */
async function findVerbs(): Promise<Found[]> {
  const found: Found[] = [];
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.ts') || file === LIST) continue;
    if (readFileSync(join(directory, file), 'utf8').includes(`'./${LIST}'`)) continue;
    const module = (await import(pathToFileURL(join(directory, file)).href)) as Record<string, unknown>;
    for (const [exported, verb] of Object.entries(module).sort(([a], [b]) => compareNames(a, b))) {
      if (!isVerb(verb)) continue;
      const twin = found.find((one) => one.verb.name === verb.name);
      if (twin) throw new Error(`${file} and ${twin.file} both define the verb ${verb.name}`);
      const aboutAgent = verb.legal !== undefined || (verb.kind === 'call' && verb.basis !== undefined);
      if (aboutAgent && !('agent' in verb.input.shape))
        throw new Error(`${verb.name} in ${file} is about an agent and needs the field \`agent\``);
      found.push({ file, exported, verb });
    }
  }
  return found;
}

const HEAD = 'Written by `npm run generate` from the definitions in this folder; not edited by hand.';

/** The definitions by name, for the dispatcher. */
export async function makeVerbList(): Promise<string> {
  const found = await findVerbs();
  const files = [...new Set(found.map(({ file }) => file))];
  const imports = files.map((file) => {
    const names = found.filter((one) => one.file === file).map(({ exported }) => exported);
    return wrapped(`import { `, names, ` } from './${file}';`);
  });
  const entries = found.map(({ exported, verb }) =>
    exported === verb.name ? `  ${exported},` : `  ${JSON.stringify(verb.name)}: ${exported},`,
  );
  return `/** Every verb by its name. ${HEAD} */\n${imports.join('\n')}\n\nexport const verbs = {\n${entries.join('\n')}\n};\n`;
}

/** The names alone, without anything behind them: for clients and for the types of views. */
export async function makeVerbNames(): Promise<string> {
  const verbs = (await findVerbs()).map(({ verb }) => verb);
  const names = verbs.filter(({ legal }) => legal !== undefined).map(({ name }) => `  | '${name}'`);
  return `/** Names of verbs. ${HEAD} */\n\n/** Those that are legal or not depending on the state of an agent. */\nexport type AgentVerb =\n${names.join('\n')};\n`;
}

/** As biome sorts and breaks them. */
function compareNames(a: string, b: string): number {
  return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
}

function wrapped(head: string, names: string[], tail: string): string {
  const line = head + names.join(', ') + tail;
  if (line.length <= 110) return line;
  return `${head.trimEnd()}\n${names.map((name) => `  ${name},`).join('\n')}\n${tail.trimStart()}`;
}
