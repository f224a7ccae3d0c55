/** What every section is given. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from './report.ts';

/** full: figures to publish. quick: the same in a minute or two. smoke: does it run at all. */
export type Scale = 'full' | 'quick' | 'smoke';

export interface Bench {
  product: Product;
  scale: Scale;
  /** A file of conversations in the form of LoCoMo, for the section `retrieval`. */
  file: string | null;
  /** Tells whoever waits what is being done. */
  say(line: string): void;
}

export interface Section {
  name: string;
  title: string;
  run(bench: Bench): Promise<Row[]>;
}

/** The compiled programs under test. */
export interface Product {
  dist: string;
  /** The `aether` command, for `node FILE`. */
  command: string;
  bridge: string;
}

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * @param root a directory laid out like the published package; default: this checkout
 * @throws Error naming the command that builds it
 */
export function findProduct(root: string = CHECKOUT): Product {
  const dist = join(root, 'dist');
  const product = {
    dist,
    command: join(root, 'src', 'host', 'cli', 'aether.cjs'),
    bridge: join(dist, 'mcp-tools', 'bridge', 'main.cjs'),
  };
  for (const file of [product.command, product.bridge]) {
    if (!existsSync(file)) throw new Error(`${file} is not there: run \`npm run build\` first.`);
  }
  return product;
}

export function versionOf(product: Product): string {
  const text = readFileSync(join(product.dist, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
