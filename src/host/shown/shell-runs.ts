/**
 * What a shell command runs besides itself: the text that `eval`, `sh -c` and `ssh` are given, the program that reads
 * what another prints, the file that `source` loads. It also says what the command does not show.
 */
import type { Word } from './shell-words.ts';

export interface Runs {
  /** A program of the shell that is given as text, to be read like the command itself. */
  shell: { within: string; text: string }[];
  /** A program in another language that is given as text. */
  code: { within: string; text: string }[];
  /** What a reader must know about this step. */
  notes: string[];
  /** It runs what it reads, unless it was told to run something else. */
  readsProgram: string | null;
  /** What it prints where that is known: `echo` and `printf` of plain words. */
  prints: string | null;
  /** How it changes what it reads, where that is known. */
  decodes: ((text: string) => string | null) | null;
  /** The program that runs, past `sudo` and the like; null where it depends on something. */
  program: string | null;
}

const SHELLS = /^(?:(?:ba|da|a|z|k|mk|fi|c|tc)?sh|rbash|busybox-sh|pwsh|powershell)$/;
const LANGUAGES: [RegExp, string, RegExp][] = [
  [/^python[\d.]*$|^pypy[\d.]*$/, 'Python', /^-[A-Za-z]*c$/],
  [/^(?:node|nodejs|bun|deno)$/, 'JavaScript', /^(?:-[a-z]*[ep]|--eval|--print|eval)$/],
  [/^perl[\d.]*$/, 'Perl', /^-[A-Za-z]*[eE]$/],
  [/^ruby[\d.]*$/, 'Ruby', /^-[A-Za-z]*e$/],
  [/^php[\d.]*$/, 'PHP', /^-r$/],
  [/^lua[\d.]*$/, 'Lua', /^-e$/],
  [/^osascript$/, 'AppleScript', /^-e$/],
  [/^Rscript$/, 'R', /^-e$/],
];
/** Programs that run the program that follows; with the options of theirs that take a word. */
const BEFORE: Record<string, string> = {
  sudo: 'ugpChrtTUD',
  doas: 'uC',
  env: 'uCS',
  nohup: '',
  nice: 'n',
  ionice: 'cnp',
  time: 'fo',
  timeout: 'ks',
  exec: 'a',
  command: '',
  builtin: '',
  setsid: '',
  stdbuf: 'ioe',
  chroot: '',
  unshare: '',
  xargs: 'adEILnPs',
  parallel: 'jN',
  busybox: '',
  coproc: '',
  strace: 'eop',
  chrt: '',
  caffeinate: '',
  torsocks: '',
  proxychains: '',
};
/** Of these one word comes before the program. */
const ONE_MORE = new Set(['timeout', 'chroot', 'chrt']);
const OPENERS = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '{', '!', 'time']);

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const isAssignment = (source: string, word: Word): boolean =>
  /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/.test(source.slice(word.start, Math.min(word.end, word.start + 200)));

export function runsOf(source: string, words: readonly Word[]): Runs {
  const runs: Runs = {
    ...{ shell: [], code: [], notes: [], readsProgram: null, prints: null, decodes: null, program: null },
  };
  const at = programAt(source, words, runs);
  const word = words[at];
  if (word === undefined) return runs;
  const written = source.slice(word.start, word.end);
  if (word.value === null) {
    runs.notes.push(`which program runs depends on ${written}`);
    return runs;
  }
  const program = nameOf(word.value);
  if (program === 'function')
    runs.notes.push(`from now on ${words[at + 1]?.value ?? 'it'} means what follows`);
  runs.program = program;
  if (word.quoted && word.value !== written) runs.notes.push(`the program is ${word.value}`);
  const given = words.slice(at + 1);
  const values = given.map(({ value }) => value);
  if (SHELLS.test(program)) ofShell(program, given, source, runs);
  else {
    ofProgram(program, given, source, runs);
    ofArguments(program, given, source, runs);
  }
  ofLanguage(program, given, source, runs);
  runs.prints = printed(program, values);
  runs.decodes = decoder(program, values);
  return runs;
}

/** Past assignments, `then`, and programs that run another. */
function programAt(source: string, words: readonly Word[], runs: Runs): number {
  let at = 0;
  for (; at < words.length; at += 1) {
    const { value } = words[at]!;
    const written = source.slice(words[at]!.start, Math.min(words[at]!.end, words[at]!.start + 64));
    const [loader] =
      /^(?:LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|DYLD_\w+|BASH_ENV|ENV|PATH|PYTHONPATH|NODE_OPTIONS|PERL5OPT|RUBYOPT|GIT_SSH\w*|PROMPT_COMMAND|IFS)(?==)/.exec(
        written,
      ) ?? [];
    if (loader !== undefined) runs.notes.push(`${loader} changes what programs run or how words are read`);
    if (isAssignment(source, words[at]!) || (value !== null && OPENERS.has(value))) continue;
    const takes = value === null ? undefined : BEFORE[nameOf(value)];
    if (takes === undefined || at + 1 >= words.length) return at;
    const name = nameOf(value!);
    if (name === 'xargs' || name === 'parallel')
      runs.notes.push('what it is given as input becomes arguments');
    if ((name === 'command' || name === 'builtin') && /^-[vV]$/.test(words[at + 1]?.value ?? '')) return at;
    at = optionsEnd(words, at + 1, takes, name, runs);
    if (ONE_MORE.has(name)) at += 1;
    at -= 1;
  }
  return at;
}

function optionsEnd(words: readonly Word[], from: number, takes: string, name: string, runs: Runs): number {
  let at = from;
  for (; at < words.length; at += 1) {
    const value = words[at]!.value ?? '';
    if (name === 'env' && /^(?:-S|--split-string)/.test(value)) {
      const text = value.replace(/^(?:-S|--split-string=?)/, '') || (words[at + 1]?.value ?? '');
      runs.shell.push({ within: 'env -S', text });
    }
    if (value === '--') return at + 1;
    if (!value.startsWith('-') || value === '-') return at;
    // A bundle of letters: the last one may take the next word.
    if (/^-[A-Za-z]+$/.test(value) && takes.includes(value.at(-1)!)) at += 1;
  }
  return at;
}

function ofShell(program: string, given: readonly Word[], source: string, runs: Runs): void {
  for (let at = 0; at < given.length; at += 1) {
    const { value } = given[at]!;
    if (/^(?:pwsh|powershell)$/.test(program) && /^-e(?:c|nc|ncodedcommand)?$/i.test(value ?? '')) {
      runs.code.push({ within: 'PowerShell', text: fromUtf16(given[at + 1]?.value ?? '') });
      return;
    }
    if (value !== null && /^(?:-[A-Za-z]*c|-Command)$/.test(value)) {
      const text = given[at + 1];
      if (text === undefined) return;
      if (text.value !== null) runs.shell.push({ within: `${program} ${value}`, text: text.value });
      else runs.notes.push(unseen(`${program} ${value} runs`, source, text));
      return;
    }
    if (value === '-s' || value === '-' || (value?.startsWith('-') ?? false)) continue;
    const what = source.slice(given[at]!.start, given[at]!.end);
    runs.notes.push(`${program} runs ${what}, whose contents are not visible here`);
    return;
  }
  runs.readsProgram = program;
}

/** Programs that take commands among their arguments. */
function ofProgram(program: string, given: readonly Word[], source: string, runs: Runs): void {
  const text = (words: readonly Word[]) =>
    words.every(({ value }) => value !== null) ? words.map(({ value }) => value).join(' ') : null;
  switch (program) {
    case 'eval': {
      const joined = text(given);
      if (joined !== null) runs.shell.push({ within: 'eval', text: joined });
      else runs.notes.push('eval runs what its arguments become, which is not visible here');
      return;
    }
    case 'source':
    case '.':
      if (given[0])
        runs.notes.push(
          `runs ${source.slice(given[0].start, given[0].end)}, whose contents are not visible here`,
        );
      return;
    case 'trap':
      if (given[0]?.value && given.length > 1)
        runs.shell.push({ within: `trap ${given[1]?.value ?? ''}`.trim(), text: given[0].value });
      return;
    case 'alias':
      for (const { value } of given) {
        const [, name, body] = /^([^=]+)=(.*)$/s.exec(value ?? '') ?? [];
        if (body !== undefined) runs.shell.push({ within: `from now on ${name}`, text: body });
      }
      return;
    case 'su':
    case 'runuser':
    case 'script':
    case 'flock': {
      const at = given.findIndex(({ value }) => value === '-c' || value === '--command');
      const command = given[at + 1]?.value;
      if (at >= 0 && typeof command === 'string') runs.shell.push({ within: `${program} -c`, text: command });
      return;
    }
    case 'ssh': {
      const at = afterHost(given);
      const joined = text(given.slice(at));
      if (at >= given.length) return;
      if (joined === null) runs.notes.push('what it runs on the other machine is not visible here');
      else runs.shell.push({ within: `on ${given[at - 1]?.value ?? 'the other machine'}`, text: joined });
      return;
    }
    case 'watch': {
      const from = given.findIndex(({ value }) => value === null || !/^-|^\d+(?:\.\d+)?$/.test(value));
      const joined = from < 0 ? null : text(given.slice(from));
      if (joined !== null) runs.shell.push({ within: 'watch', text: joined });
      return;
    }
    case 'find':
      inFind(given, source, runs);
      return;
    case 'crontab':
    case 'at':
    case 'batch':
      runs.notes.push('runs something later, out of sight');
      return;
    default:
  }
}

/** Of any program: an option that names a command, a shell among its arguments. */
function ofArguments(program: string, given: readonly Word[], source: string, runs: Runs): void {
  const tells = (word: string) => OPTION_RUNS.test(word) || (program === 'git' && GIT_RUNS.test(word));
  if (given.some(({ value }) => tells(value ?? ''))) runs.notes.push(`${program} is told to run a program`);
  // `docker run IMAGE sh -c …`, `kubectl exec POD -- bash -c …`
  const at = given.findIndex(({ value }) => value !== null && SHELLS.test(nameOf(value)));
  if (at >= 0 && /^-[a-z]*c$/.test(given[at + 1]?.value ?? ''))
    ofShell(nameOf(given[at]!.value!), given.slice(at + 1), source, runs);
}

const OPTION_RUNS =
  /^(?:--(?:to-command|checkpoint-action|use-compress-program|rsh|upload-pack|receive-pack|ext-diff)(?:=|$)|(?:-o)?(?:proxy|local|knownhosts)command[= ]|[:+]!)/i;
const GIT_RUNS =
  /^(?:core\.(?:pager|editor|sshcommand|hookspath|fsmonitor|askpass)|alias\..*|filter\..*|.*\.(?:cmd|command|textconv))(?:=|$)|^ext::/i;

function afterHost(given: readonly Word[]): number {
  for (let at = 0; at < given.length; at += 1) {
    const value = given[at]!.value ?? '';
    if (!value.startsWith('-')) return at + 1;
    if (/^-[BbcDEeFIiJLlmOopQRSWw]$/.test(value)) at += 1;
  }
  return given.length;
}

function inFind(given: readonly Word[], source: string, runs: Runs): void {
  for (let at = 0; at < given.length; at += 1) {
    if (given[at]!.value === '-delete') runs.notes.push('deletes what it finds');
    if (!/^-(?:exec|ok)(?:dir)?$/.test(given[at]!.value ?? '')) continue;
    const rest = given.slice(at + 1);
    const end = rest.findIndex(({ value }) => value === ';' || value === '+');
    const words = end < 0 ? rest : rest.slice(0, end);
    const [first, last] = [words[0], words.at(-1)];
    if (first && last)
      runs.shell.push({ within: `find ${given[at]!.value}`, text: source.slice(first.start, last.end) });
  }
}

function ofLanguage(program: string, given: readonly Word[], source: string, runs: Runs): void {
  const [, language, option] = LANGUAGES.find(([name]) => name.test(program)) ?? [];
  if (language === undefined || option === undefined) {
    if (/^(?:[gmn]?awk)$/.test(program) && /system\s*\(|\|\s*getline|\|\s*"/.test(given[0]?.value ?? ''))
      runs.notes.push('awk runs commands in its program');
    return;
  }
  const at = given.findIndex(({ value }) => value !== null && option.test(value));
  const text = at < 0 ? undefined : given[at + 1];
  if (text?.value != null) runs.code.push({ within: language, text: text.value });
  else if (text !== undefined) runs.notes.push(unseen(`${program} runs`, source, text));
  else if (given.every(({ value }) => value?.startsWith('-') ?? false)) runs.readsProgram = program;
}

function unseen(what: string, source: string, word: Word): string {
  const written = source.slice(word.start, Math.min(word.end, word.start + 80));
  return `${what} what ${written} becomes, which is not visible here`;
}

function printed(program: string, values: readonly (string | null)[]): string | null {
  const given = program === 'echo' ? values.filter((value) => !/^-[neE]+$/.test(value ?? '')) : values;
  if (given.some((value) => value === null)) return null;
  if (program === 'echo') {
    const text = given.join(' ');
    return values.some((value) => /^-[nE]*e/.test(value ?? '')) ? unescaped(text) : text;
  }
  if (program !== 'printf' || given.length === 0) return null;
  const [format = '', ...rest] = given as string[];
  if (rest.length === 0) return unescaped(format);
  return /^%[sb](?:\\n)?$/.test(format)
    ? rest.map((one) => (format[1] === 'b' ? unescaped(one) : one)).join('')
    : null;
}

/** Escapes of `echo -e` and of `printf`. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|0?([0-7]{1,3})|n|t)/g,
    (whole, hex?: string, octal?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return whole === '\\n' ? '\n' : '\t';
    },
  );
}

function decoder(program: string, values: readonly (string | null)[]): Runs['decodes'] {
  const has = (option: RegExp) => values.some((value) => value !== null && option.test(value));
  const plain = values.every((value) => value?.startsWith('-') ?? false);
  if (/^(?:g?base64)$/.test(program) && has(/^(?:-[a-z]*[dD][a-z]*|--decode)$/) && plain) return fromBase64;
  if (program === 'openssl' && has(/^-d$/) && has(/^(?:base64|enc)$/) && !has(/^-(?:aes|k|K|pass)/))
    return fromBase64;
  if (program === 'xxd' && has(/^-\w*r/)) return fromHex;
  if (program === 'rev' && values.length === 0)
    return (text) =>
      text
        .split('\n')
        .map((line) => Array.from(line).reverse().join(''))
        .join('\n');
  return program === 'cat' && (values.length === 0 || values[0] === '-') ? (text) => text : null;
}

/** Null where it is no text. */
function fromBase64(text: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/\s/g, '')), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** As PowerShell takes a program; the text itself where it is none. */
function fromUtf16(text: string): string {
  try {
    return new TextDecoder('utf-16le').decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  } catch {
    return text;
  }
}

function fromHex(text: string): string | null {
  const digits = text.replace(/\s/g, '');
  if (digits.length % 2 === 1 || !/^[0-9a-f]*$/i.test(digits)) return null;
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
