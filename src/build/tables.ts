/** Lists the tables of the store: each file in host/store/ that defines some exports them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { history } from '../host/store/schema.ts';
import { inOrder, type Table } from '../host/store/table.ts';

const FOLDER = fileURLToPath(new URL('../host/store/', import.meta.url));
const DEFINITION = /= defineTable\(/;

interface Found {
  file: string;
  /** Name under which the file exports its definition. */
  export: string;
  table: Table;
}

/** @throws Error when a definition is not exported, two have one name, or the versions of migrations leave no order */
export async function makeTableList(): Promise<string> {
  const found: Found[] = [];
  for (const file of readdirSync(FOLDER).sort()) {
    const defined = readFileSync(join(FOLDER, file), 'utf8').split(DEFINITION).length - 1;
    if (defined === 0) continue;
    const module = (await import(pathToFileURL(join(FOLDER, file)).href)) as Record<string, unknown>;
    const exported = Object.entries(module).filter((entry): entry is [string, Table] => isTable(entry[1]));
    if (exported.length !== defined)
      throw new Error(`host/store/${file} defines ${defined} tables and exports ${exported.length}`);
    for (const [name, table] of exported) found.push({ file, export: name, table });
  }
  const names = found.flatMap(({ table }) => [table.name, ...(table.parts ?? [])]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the table ${twice} is defined twice`);
  inOrder(
    history,
    found.map(({ table }) => table),
  );
  found.sort((a, b) => (a.table.name < b.table.name ? -1 : 1));
  const files = [...new Set(found.map(({ file }) => file))].sort();
  const imports = files.map((file) => {
    const exports = found.filter((one) => one.file === file).map((one) => one.export);
    return `import { ${exports.sort().join(', ')} } from './${file}';`;
  });
  return [
    '/** Every table of the database. Written by `npm run generate` from the definitions in this folder. */',
    ...imports,
    "import type { Table } from './table.ts';",
    '',
    'export const tables: readonly Table[] = [',
    ...found.map((one) => `  ${one.export},`),
    '];',
    '',
  ].join('\n');
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && 'leaves' in value;
}
