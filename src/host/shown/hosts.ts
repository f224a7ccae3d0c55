/**
 * Host names that read as others: punycode, mixed alphabets, look-alikes of well-known names, a name that stands
 * before an @ or in front of the true domain, addresses written as numbers.
 */
import { isOrdinary } from './characters.ts';
import { KNOWN_HOSTS } from './known-hosts.ts';
import { alphabetOf, asciiLook, type Look } from './look-alikes.ts';
import { unicodeLabel } from './punycode.ts';

const URL_LIKE = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}:[/\\]{2,}([^\s"'<>`/\\?#]{1,1000})/giu;
/** `host.tld` without a scheme, also behind `user@`; ideographic full stops count as dots. */
const BARE =
  /(?<![\p{L}\p{N}\p{M}_-])(?:[\p{L}\p{N}\p{M}_-]{1,63}[.\u3002\uff0e\uff61]){1,8}[\p{L}\p{N}\p{M}-]{2,63}(?![\p{L}\p{N}_])/gu;
/** The same for text of ASCII: what the properties of all characters take to compile is a tenth of a short command. */
const BARE_ASCII = /(?<![\w-])(?:[\w-]{1,63}\.){1,8}[a-z\d-]{2,63}(?!\w)/gi;
const HOSTS_MAX = 500;
const BACKSLASH = 'a backslash in an address: programs disagree on where it leads';

export function hostLooks(text: string): Look[] {
  if (!/[.\u3002\uff0e\uff61]|:[/\\]{2}/.test(text)) return [];
  const looks: Look[] = [];
  const urls: { start: number; end: number }[] = [];
  for (const match of limited(text.matchAll(URL_LIKE))) {
    const start = match.index + match[0].length - match[1]!.length;
    const end = match.index + match[0].length;
    urls.push({ start: match.index, end });
    const why = text[end] === '\\' ? BACKSLASH : authorityWhy(match[1]!);
    if (why !== null) looks.push({ start, end, why });
  }
  for (const match of limited(text.matchAll(isOrdinary(text) ? BARE_ASCII : BARE))) {
    const start = match.index;
    const end = start + match[0].length;
    if (urls.some((url) => start < url.end && end > url.start)) continue;
    const why = nameWhy(match[0], false);
    if (why !== null) looks.push({ start, end, why });
  }
  return [...looks, ...falseLinks(text)];
}

const LINK = /\[([^\]\n]{1,500})\]\((https?:[/\\]{2}[^\s)]{1,2000})\)/giu;

/** Links of Markdown whose words name another host than the one they lead to. */
function falseLinks(text: string): Look[] {
  const looks: Look[] = [];
  for (const match of limited(text.matchAll(LINK))) {
    const [whole, words = '', href = ''] = match;
    const said = /(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63}(?![\w.])/i.exec(words)?.[0].toLowerCase();
    const host = URL.canParse(href) ? new URL(href).hostname : href;
    if (said === undefined || host === said || host.endsWith(`.${said}`) || said.endsWith(`.${host}`))
      continue;
    const start = match.index + whole.indexOf(words);
    looks.push({ start, end: start + words.length, why: `the link says ${said} and leads to ${host}` });
  }
  return looks;
}

function* limited<T>(all: Iterable<T>): Iterable<T> {
  let count = 0;
  for (const one of all) {
    count += 1;
    if (count > HOSTS_MAX) return;
    yield one;
  }
}

/** Of what stands between `//` and the path. */
function authorityWhy(authority: string): string | null {
  const at = authority.lastIndexOf('@');
  const written = authority.slice(at + 1).replace(/:\d*$/, '');
  const why = nameWhy(written, true);
  const user = at < 0 ? '' : authority.slice(0, at);
  // `git@` and a token are no names of hosts.
  if (!/[.\u3002\uff0e\uff61]|%2e/i.test(user)) return why;
  return `this goes to ${shownName(written)}: what stands before the @ is a user name${why === null ? '' : `; ${why}`}`;
}

function shownName(written: string): string {
  return canonicalOf(written) ?? written;
}

/** As a browser and curl resolve it; null where it is no host name. */
function canonicalOf(written: string): string | null {
  try {
    return new URL(`http://${written}/`).hostname;
  } catch {
    return null;
  }
}

function nameWhy(written: string, inUrl: boolean): string | null {
  const plain = written.toLowerCase().replace(/\.$/, '');
  if (/^[a-z0-9._-]+$/.test(plain) && !plain.includes('xn--')) {
    if (inUrl && /^[0-9.]+$|^0x[0-9a-f.x]+$/.test(plain)) {
      const address = canonicalOf(plain);
      return address === null || address === plain ? null : `${written} is the address ${address}`;
    }
    return imitates(plain);
  }
  const canonical = canonicalOf(written);
  if (canonical === null)
    return inUrl && /[^\x00-\x7f]/.test(written)
      ? `“${written}” holds characters that no host name has`
      : null;
  if (canonical.startsWith('[') && written.startsWith('[')) return null;
  const name = canonical.split('.').map(unicodeLabel).join('.');
  if (/^[\x20-\x7e]+$/.test(name)) {
    // Without a scheme a word with a sign that maps to nothing is as likely a file.
    const known = imitates(name);
    if (name === plain) return known;
    if (!inUrl && !isKnown(name)) return known;
    return `“${written}” is ${name} in fact${known === null ? '' : `; ${known}`}`;
  }
  const why = foreignWhy(plain, name, canonical);
  // Without a scheme it is as likely a file, whose letters are judged like those of any word.
  return inUrl || plain.includes('xn--') || knownLook(name) !== null ? why : null;
}

/** Of a name with letters beyond ASCII. */
function foreignWhy(written: string, name: string, canonical: string): string {
  const encoded = written.includes('xn--') ? `“${written}” is written ${name}` : `“${name}” is ${canonical}`;
  const look = asciiLook(name);
  const known = knownLook(name);
  if (known !== null) return `${encoded} and only looks like ${known}`;
  const mixed = name.split('.').some((label) => /[a-z]/.test(label) && Array.from(label).some(alphabetOf));
  if (mixed) return `${encoded} and mixes alphabets`;
  return look !== name && /^[\x20-\x7e]+$/.test(look) ? `${encoded} and only looks like ${look}` : encoded;
}

/** The well-known name that one with foreign letters is taken for. */
function knownLook(name: string): string | null {
  const look = asciiLook(name);
  return /^[\x20-\x7e]+$/.test(look) ? (knownLike(look) ?? imitated(look)) : null;
}

const known = new Set(KNOWN_HOSTS);
const isKnown = (name: string): boolean => known.has(registrable(name));
let byShape: Map<string, string> | undefined;

/** Letters that are hard to tell apart are one. */
function shapeOf(name: string): string {
  return name
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replace(/[1i|]/g, 'l')
    .replaceAll('0', 'o')
    .replaceAll('5', 's')
    .replaceAll('-', '');
}

/** The part that was registered. */
function registrable(name: string): string {
  const labels = name.split('.');
  const second = labels.at(-2) ?? '';
  const deep = (labels.at(-1)?.length ?? 0) === 2 && /^(?:co|com|net|org|ac|gov|edu)$/.test(second);
  return labels.slice(deep ? -3 : -2).join('.');
}

function knownLike(name: string): string | null {
  const domain = registrable(name);
  return known.has(domain) ? domain : null;
}

function imitated(name: string): string | null {
  byShape ??= new Map(KNOWN_HOSTS.map((host) => [shapeOf(host), host]));
  const domain = registrable(name);
  const same = byShape.get(shapeOf(domain));
  if (same !== undefined) return same;
  const near = KNOWN_HOSTS.find((host) => {
    const owner = host.slice(0, host.indexOf('.'));
    return owner.length >= 5 && oneEdit(host, domain);
  });
  return near ?? null;
}

/** Endings of files that no registry of domains has: nothing can be reached under them. */
const FILES = /\.(?:c?js|mjs|jsx|tsx?|jsonl?|ya?ml|toml|txt|lock|log|html|css|sqlite)$/;

/** Of a name in ASCII. */
function imitates(name: string): string | null {
  const domain = registrable(name);
  if (known.has(domain) || FILES.test(name) || !/\.[a-z][a-z0-9-]*$/.test(name)) return null;
  const like = imitated(name);
  if (like !== null) return `${name} is not ${like}`;
  const inFront = KNOWN_HOSTS.find(
    (host) => name.startsWith(`${host}.`) || name.includes(`.${host}.`) || name.startsWith(`${host}-`),
  );
  if (inFront !== undefined) return `${name} belongs to ${domain}, not to ${inFront}`;
  // `github-com.example`, `login-github.com`
  const words = name.split('.').flatMap((label) => (label.includes('-') ? label.split('-') : []));
  const owner = KNOWN_HOSTS.find((host) => {
    const [first = ''] = host.split('.');
    return first.length >= 5 && words.includes(first);
  });
  return owner === undefined ? null : `${name} belongs to ${domain}, not to ${owner}`;
}

/** One character more, less, another, or two swapped. */
function oneEdit(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false;
  let from = 0;
  while (from < a.length && a[from] === b[from]) from += 1;
  const rest = (text: string, skip: number) => text.slice(from + skip);
  return (
    rest(a, 1) === rest(b, 1) ||
    rest(a, 1) === rest(b, 0) ||
    rest(a, 0) === rest(b, 1) ||
    (a[from] === b[from + 1] && a[from + 1] === b[from] && rest(a, 2) === rest(b, 2))
  );
}
