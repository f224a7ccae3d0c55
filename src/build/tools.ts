/**
 * What follows from the tools in mcp-tools/catalog/, one file each: the catalogue, the names that a configuration can
 * grant (the configuration's room may not import a tool), and the list in the README.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Tool } from '../mcp-tools/tool.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const FOLDER = join(root, 'src', 'mcp-tools', 'catalog');
const README_LINE_CHARS = 114;
const BEGIN = 'The tools:<!-- tools -->';
const END = '.<!-- /tools -->';

interface Found {
  file: string;
  /** Name under which the file exports its tool. */
  export: string;
  tool: Tool;
}

async function tools(): Promise<Found[]> {
  const found: Found[] = [];
  for (const file of readdirSync(FOLDER).sort()) {
    const module = (await import(pathToFileURL(join(FOLDER, file)).href)) as Record<string, unknown>;
    const exported = Object.entries(module).filter((entry): entry is [string, Tool] => isTool(entry[1]));
    if (exported.length !== 1)
      throw new Error(`mcp-tools/catalog/${file} must export one tool, not ${exported.length}`);
    const [name, tool] = exported[0]!;
    found.push({ file, export: name, tool });
  }
  return found.sort((a, b) => a.tool.order - b.tool.order || a.tool.name.localeCompare(b.tool.name));
}

function isTool(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'inputSchema' in value && 'call' in value;
}

export async function makeCatalog(): Promise<string> {
  const found = await tools();
  const imports = found
    .map((one) => `import { ${one.export} } from './catalog/${one.file}';`)
    .sort((a, b) => (a.slice(a.indexOf("'")) < b.slice(b.indexOf("'")) ? -1 : 1));
  return [
    '/** Every tool of the host, in the order clients list them. Written by `npm run generate` from catalog/. */',
    ...imports,
    "import type { Tool } from './tool.ts';",
    '',
    'export const catalog: readonly Tool[] = [',
    ...found.map((one) => `  ${one.export},`),
    '];',
    '',
  ].join('\n');
}

export async function makeToolNames(): Promise<string> {
  return [
    '/** The aether_* tools an agent can be granted. Written by `npm run generate` from mcp-tools/catalog/. */',
    'export const AETHER_TOOLS = [',
    ...(await tools()).map(({ tool }) => `  '${tool.name}',`),
    '] as const;',
    '',
  ].join('\n');
}

export async function makeReadme(): Promise<string> {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error('README.md has no place for the list of tools');
  const names = (await tools()).map(({ tool }) => `\`${tool.name}\``);
  return text.slice(0, from) + wrapped([BEGIN, ...names]) + text.slice(to);
}

function wrapped(words: string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= README_LINE_CHARS)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
