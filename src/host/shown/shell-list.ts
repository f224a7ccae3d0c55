/**
 * Reads a list of shell commands: where one ends, what joins it to the next, and what runs inside it. Every character
 * of the list is in a step, an operator or a blank.
 */
import { marked } from './pieces.ts';
import { type Heredoc, type Pending, pending } from './shell-pending.ts';
import { type Runs, runsOf } from './shell-runs.ts';
import { type Inner, WordReader } from './shell-words.ts';
import type { Joint, Step, Steps } from './step.ts';

const UNSEEN = 'runs what it reads, which is not visible here';
const DEPTH_MAX = 8;
const STEPS_MAX = 500;
/** Of `[[ … ]]` and `(( … ))`. */
const TEST_CHARS_MAX = 4_000;

export class ListReader {
  readonly #source: string;
  readonly #all: Steps;
  readonly #unsure: (what: string) => void;
  readonly #depth: number;
  readonly #within: string | null;
  readonly #reader: WordReader;
  #now: Pending;
  /** Of the pipe under way: what its last step prints, where that is known. */
  #before: { text: string | null } | null = null;
  #heredocs: Heredoc[] = [];
  #cases = 0;
  /** A pattern of `case` is read, in which | is no pipe. */
  #pattern = false;
  #open = 0;
  /** Up to here the text is in a step. */
  #told = 0;

  constructor(
    source: string,
    all: Steps,
    unsure: (what: string) => void,
    depth: number,
    within: string | null,
  ) {
    this.#source = source;
    this.#all = all;
    this.#unsure = unsure;
    this.#depth = depth;
    this.#within = within;
    this.#reader = new WordReader(source, unsure);
    this.#now = pending('', 0);
  }

  get #at(): number {
    return this.#reader.at;
  }

  set #at(at: number) {
    this.#reader.at = at;
  }

  read(): void {
    for (;;) {
      this.#skipBlanks();
      const char = this.#source[this.#at];
      if (char === undefined) break;
      if (this.#all.steps.length >= STEPS_MAX) {
        this.#unsure(`it has more than ${STEPS_MAX} steps; the rest is one`);
        this.#at = this.#source.length;
        break;
      }
      if (char === '\n') this.#newline();
      else if (char === '#' && /^$|[\s;&|()]/.test(this.#source[this.#at - 1] ?? '')) this.#comment();
      else if (char === '<' || char === '>') this.#redirection();
      else if (';&|()'.includes(char)) this.#operator(char);
      else this.#word();
    }
    this.#finish(this.#source.length);
    for (const { end } of this.#heredocs) this.#unsure(`the here-document up to ${end} does not begin`);
    if (this.#open > 0) this.#unsure('a ( is not closed');
  }

  #skipBlanks(): void {
    for (;;) {
      const char = this.#source[this.#at];
      if (char === ' ' || char === '\t') this.#at += 1;
      else if (char === '\\' && this.#source[this.#at + 1] === '\n') this.#at += 2;
      else return;
    }
  }

  #word(): void {
    // `[[ a && b ]]` and `(( … ))` hold operators of their own.
    if (this.#now.words.length === 0 && this.#source.startsWith('[[', this.#at)) {
      const near = this.#source.slice(this.#at, this.#at + TEST_CHARS_MAX);
      const end = near.search(/\s\]\](?=$|[\s;&|)])/);
      if (end > 0) {
        const text = this.#source.slice(this.#at, this.#at + end);
        const inner = WordReader.expansions(text, this.#unsure);
        this.#now.words.push({ start: this.#at, end: this.#at + end + 3, value: '[[', quoted: false, inner });
        this.#at += end + 3;
        return;
      }
    }
    const from = this.#at;
    const word = this.#reader.word();
    // No word begins here: nothing may stand still.
    if (this.#at === from) this.#at += 1;
    if (!word.quoted) this.#keyword(word.value);
    this.#now.words.push(word);
  }

  #keyword(value: string | null): void {
    if (value === 'case' && this.#startsCommand()) this.#cases += 1;
    else if (value === 'esac' && this.#cases > 0 && (this.#pattern || this.#startsCommand())) {
      this.#cases -= 1;
      this.#pattern = false;
    } else if (value === 'in' && this.#cases > 0 && this.#now.words.some((word) => word.value === 'case'))
      this.#pattern = true;
  }

  /** Only words like `then` and assignments were read so far. */
  #startsCommand(): boolean {
    return this.#now.words.every(
      ({ value }) => value !== null && /^(?:then|do|else|elif|if|while|until|\{|!|in)$/.test(value),
    );
  }

  #newline(): void {
    const at = this.#at;
    const continues = this.#continues();
    this.#finish(at);
    this.#at = at + 1;
    this.#heredocBodies();
    if (continues) this.#now.start = this.#at;
    else {
      this.#now = pending('\n', this.#at);
      this.#before = null;
    }
  }

  /** Behind `|` or `&&` a line goes on in the next one. */
  #continues(): boolean {
    const { joint, words, start } = this.#now;
    return (
      words.length === 0 &&
      (joint === '|' || joint === '|&' || joint === '&&' || joint === '||') &&
      this.#source.slice(start, this.#at).trim() === ''
    );
  }

  #comment(): void {
    const end = this.#source.indexOf('\n', this.#at);
    const to = end < 0 ? this.#source.length : end;
    const text = this.#source.slice(this.#at, to);
    const continues = this.#continues();
    this.#finish(this.#at);
    this.#emit({ joint: '', text, kind: 'comment' });
    this.#at = to;
    if (continues) this.#now.start = to;
    else this.#now = pending('\n', to);
  }

  #operator(char: string): void {
    const three = this.#source.slice(this.#at, this.#at + 3);
    const two = three.slice(0, 2);
    // `&>` writes to a file.
    if (two === '&>') this.#redirection();
    else if (char === '(') this.#parenthesis();
    else if (char === ')') this.#closed();
    else if (char === '|' && this.#pattern) this.#at += 1;
    else this.#separator(char, two, three);
  }

  #separator(char: string, two: string, three: string): void {
    const sign = three === ';;&' ? three : ['&&', '||', '|&', ';;', ';&'].includes(two) ? two : char;
    if (sign === '&') this.#now.background = true;
    this.#finish(this.#at);
    this.#at += sign.length;
    const joint = sign.startsWith(';') && sign !== ';' ? ';;' : (sign as Joint);
    const before = this.#now;
    this.#now = pending(joint, this.#at);
    if (joint === '|' || joint === '|&') before.into = this.#now;
    this.#pattern = joint === ';;' && this.#cases > 0;
    if (joint !== '|' && joint !== '|&') this.#before = null;
  }

  #parenthesis(): void {
    const at = this.#at;
    const { words } = this.#now;
    if (this.#source[at + 1] === '(' && (this.#startsCommand() || words.at(-1)?.value === 'for')) {
      const length = this.#source.slice(at, at + TEST_CHARS_MAX).indexOf('))');
      if (length > 0) {
        const end = at + length;
        const inner = WordReader.expansions(this.#source.slice(at, end), this.#unsure);
        words.push({ start: at, end: end + 2, value: '((', quoted: false, inner });
        this.#at = end + 2;
        return;
      }
    }
    const name = words.at(-1);
    const empty = /^\(\s*\)/.exec(this.#source.slice(at, at + 100));
    if (empty && name?.value) {
      this.#now.words = [];
      this.#emit({
        ...{ joint: this.#now.joint, kind: 'shell' },
        text: this.#source.slice(this.#now.start, at + empty[0].length).trim(),
        notes: [`from now on ${name.value} means what follows`],
      });
      this.#at = at + empty[0].length;
      this.#now = pending('', this.#at);
      return;
    }
    if (this.#cases > 0 && words.length === 0) {
      // `(a) …` of case: its parenthesis closes like that of `a)`.
      this.#at += 1;
      return;
    }
    if (words.length > 0 && !this.#startsCommand()) this.#unsure('a ( stands where none is expected');
    this.#at += 1;
    this.#finish(this.#at);
    this.#open += 1;
    this.#now = pending('', this.#at);
  }

  #closed(): void {
    if (this.#open > 0) {
      this.#finish(this.#at);
      this.#open -= 1;
    } else if (this.#cases > 0) {
      // The end of a pattern of case.
      this.#pattern = false;
      this.#at += 1;
      this.#finish(this.#at, true);
      this.#now = pending('', this.#at);
      return;
    } else {
      this.#unsure('a ) that nothing opened');
      this.#finish(this.#at);
    }
    this.#now = pending('', this.#at);
    this.#at += 1;
    // What stands behind it, `> file` or another operator, belongs to the whole.
    this.#now.words.push({ start: this.#at - 1, end: this.#at, value: ')', quoted: false, inner: [] });
  }

  #redirection(): void {
    const sign = /^(?:&>>?|<<<|<<-?|<>|<&|>>|>&|>\||<|>)/.exec(
      this.#source.slice(this.#at, this.#at + 3),
    )![0];
    const number = this.#now.words.at(-1);
    // `2>` is no argument.
    if (number?.end === this.#at && /^\d+$/.test(number.value ?? '')) this.#now.words.pop();
    if ((sign === '<' || sign === '>') && this.#source[this.#at + 1] === '(') {
      this.#word();
      return;
    }
    this.#at += sign.length;
    this.#skipBlanks();
    const next = this.#source[this.#at];
    const nowhere = next === undefined || '\n;&|()<>'.includes(next);
    if (nowhere && !(next !== undefined && '<>'.includes(next) && this.#source[this.#at + 1] === '(')) {
      if (next !== '&') this.#unsure(`a ${sign} leads nowhere`);
      return;
    }
    const from = this.#at;
    const word = this.#reader.word();
    if (this.#at === from) this.#at += 1;
    if (/^\/dev\/(?:tcp|udp)\//.test(word.value ?? '')) this.#now.connects = true;
    if (sign === '<<' || sign === '<<-') {
      const end = word.value ?? this.#source.slice(word.start, word.end);
      this.#heredocs.push({ end, quoted: word.quoted, dashed: sign === '<<-', of: this.#now });
    } else if (sign === '<<<') this.#now.input = word.value;
    // Where it writes to is part of the step's text; commands inside it run.
    for (const inner of word.inner) this.#now.words.push({ ...word, value: '', inner: [inner] });
  }

  /** Behind the line that announced them. */
  #heredocBodies(): void {
    const due = this.#heredocs;
    this.#heredocs = [];
    for (const { end, quoted, dashed, of } of due) {
      const start = this.#at;
      let found = false;
      while (this.#at < this.#source.length && !found) {
        const newline = this.#source.indexOf('\n', this.#at);
        const to = newline < 0 ? this.#source.length : newline;
        const line = this.#source.slice(this.#at, to);
        found = (dashed ? line.replace(/^\t+/, '') : line) === end;
        if (!found) this.#at = Math.min(this.#source.length, to + 1);
        else {
          this.#heredoc(this.#source.slice(start, this.#at), quoted, of);
          this.#at = Math.min(this.#source.length, to + 1);
        }
      }
      if (found) continue;
      this.#unsure(`the here-document has no line ${end}`);
      this.#heredoc(this.#source.slice(start), quoted, of);
    }
  }

  #heredoc(text: string, quoted: boolean, { step, runs, into }: Pending): void {
    const reader = into?.runs?.readsProgram ?? null;
    const passed = reader !== null && /sh$/.test(reader) ? (runs?.decodes?.(text) ?? null) : null;
    if (passed !== null) {
      // It is visible after all.
      into!.step!.notes = into!.step!.notes.filter((note) => !note.endsWith(UNSEEN));
      this.#nest({ within: `${reader} reads`, text: passed });
      return;
    }
    const within = runs?.program ? `${runs.program} reads` : 'input';
    const program = runs?.readsProgram ?? null;
    if (program !== null && /sh$/.test(program)) {
      this.#nest({ within, text });
      return;
    }
    const kind = program === null ? 'input' : 'code';
    this.#emit({ joint: '', text: text.replace(/\n$/, ''), kind, within, depth: 1 });
    if (step === null || quoted) return;
    for (const inner of WordReader.expansions(text, this.#unsure)) this.#nest(inner);
  }

  /** The step that was read, and what runs inside it. */
  #finish(end: number, pattern = false): void {
    const now = this.#now;
    const read = this.#source.slice(now.start, end);
    const text = read.trim();
    if (text === '' || now.step !== null) return;
    const gap = this.#gapBefore(end - read.trimStart().length);
    this.#told = now.start + read.trimEnd().length;
    now.runs = pattern ? null : runsOf(this.#source, now.words);
    const notes = now.runs === null ? [] : [...now.runs.notes];
    if (now.connects) notes.push('opens a connection to another machine');
    if (now.background) notes.push('in the background: what follows does not wait for it');
    now.step = this.#emit({ joint: now.joint, text, kind: 'shell', notes, gap });
    for (const { inner } of now.words) for (const one of inner) this.#nest(one);
    if (now.runs !== null) this.#interpret(now, now.runs, notes);
  }

  #gapBefore(start: number): string | null {
    // Between two letters: a blank at the beginning of a text counts otherwise.
    const blanks = this.#source.slice(this.#told, start).split(/[;&|]+/);
    const folds = blanks
      .flatMap((blank) => marked(`a${blank}a`, 'code'))
      .filter(({ kind }) => kind === 'fold');
    return folds.length === 0 ? null : folds.map(({ shown }) => shown.trim()).join(' ');
  }

  #interpret(now: Pending, runs: Runs, notes: string[]): void {
    for (const one of runs.shell) this.#nest(one);
    for (const { within, text } of runs.code) this.#emit({ joint: '', text, kind: 'code', within, depth: 1 });
    const piped = now.joint === '|' || now.joint === '|&' ? (this.#before ?? { text: null }) : null;
    const read = now.input ?? piped?.text ?? null;
    // A here-document is not read yet.
    const waits = this.#heredocs.some(({ of }) => of === now);
    if (runs.readsProgram !== null && !waits) {
      if (read !== null) this.#nest({ within: `${runs.readsProgram} reads`, text: read });
      else if (piped !== null || now.input !== null) notes.push(`${runs.readsProgram} ${UNSEEN}`);
    }
    const decoded = runs.decodes !== null && read !== null ? runs.decodes(read) : null;
    if (decoded !== null && decoded !== read)
      this.#emit({ joint: '', text: decoded, kind: 'input', within: `${runs.program} gives`, depth: 1 });
    this.#before = { text: runs.prints ?? decoded };
  }

  #nest({ within, text }: Inner): void {
    // Its text is in the step that it stands in.
    if (text.trim() === '' || this.#all.steps.length >= STEPS_MAX) return;
    if (this.#depth + 1 >= DEPTH_MAX) {
      this.#unsure('it is nested too deeply');
      this.#emit({ joint: '', text, kind: 'shell', within, depth: 1 });
      return;
    }
    new ListReader(text, this.#all, this.#unsure, this.#depth + 1, within).read();
  }

  #emit(given: Partial<Step> & Pick<Step, 'joint' | 'text' | 'kind'>): Step {
    const first = this.#all.steps.length === 0;
    const step: Step = {
      notes: [],
      ...{ gap: null, times: 1 },
      within: this.#within,
      ...given,
      joint: first ? '' : given.joint,
      depth: this.#depth + (given.depth ?? 0),
    };
    this.#all.steps.push(step);
    return step;
  }
}
