/**
 * The built browser code, compressed once and kept: a handful of files of known names. Names that carry a hash
 * of their content may be cached for ever.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context, Hono } from 'hono';
import type { ConsoleContext, ConsoleEnv } from '../context.ts';
import { errorPage, PAGE_CSP } from '../pages.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

interface Asset {
  type: string;
  cache: string;
  raw: Buffer;
  br?: Promise<Buffer>;
  gzip?: Promise<Buffer>;
}

/** By directory: a console that is started again serves what the one before it has compressed. */
const loaded = new Map<string, Map<string, Asset>>();

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

export function assetRoutes(app: Hono<ConsoleEnv>, { webDir }: ConsoleContext): void {
  const assets = load(webDir);
  for (const [path, asset] of assets) {
    app.get(path === '/index.html' ? '/' : path, (c) => send(c, asset));
  }
  if (assets.has('/index.html')) return;
  app.get('/', (c) => {
    c.header('content-security-policy', PAGE_CSP);
    return c.html(
      errorPage('The console is not built', {
        code: 'console.not-built',
        who: 'user',
        message: 'This checkout has no browser code yet.',
        next: 'Run `npm run build`, then start the host again.',
      }),
      503,
    );
  });
}

function load(webDir: string): Map<string, Asset> {
  const known = loaded.get(webDir);
  if (known !== undefined) return known;
  const assets = new Map<string, Asset>();
  let entries: string[];
  try {
    entries = readdirSync(webDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return assets;
    throw error;
  }
  for (const file of entries) {
    const type = TYPES[extname(file)];
    if (type === undefined) continue;
    const path = `/${relative(webDir, file).split(sep).join('/')}`;
    const cache = path.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache';
    assets.set(path, { type, cache, raw: readFileSync(file) });
  }
  loaded.set(webDir, assets);
  return assets;
}

async function send(c: Context, asset: Asset): Promise<Response> {
  const accepted = c.req.header('accept-encoding') ?? '';
  let body = asset.raw;
  if (/\bbr\b/.test(accepted)) {
    asset.br ??= brotli(asset.raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
    body = await asset.br;
    c.header('content-encoding', 'br');
  } else if (/\bgzip\b/.test(accepted)) {
    asset.gzip ??= zip(asset.raw);
    body = await asset.gzip;
    c.header('content-encoding', 'gzip');
  }
  c.header('content-type', asset.type);
  c.header('cache-control', asset.cache);
  c.header('vary', 'accept-encoding');
  return c.body(new Uint8Array(body));
}
