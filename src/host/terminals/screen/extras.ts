/**
 * State of a terminal that xterm.js does not keep: the flags of the kitty keyboard protocol, modified keys, modes that
 * only a terminal with a keyboard or a window obeys, changed colours, and a sequence that has begun and not ended.
 */
import type { Terminal } from '@xterm/headless';
import { type ColorEvent, GROUND, type XtermCore } from './xterm-core.ts';

/** Private modes that are state of xterm.js: the snapshot has them. */
const KEPT = new Set([
  1, 2, 3, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1048, 1049, 2004, 2026,
]);
const OTHER_MODES_MAX = 64;
const KITTY_STACK_MAX = 16;
const LINKS_MAX = 1_000;
/** A longer control string is not kept: what is still to come of it is passed over. */
const PENDING_BYTES_MAX = 64 * 1024;
/** Second bytes, in UTF-8, of the 8-bit forms of DCS, SOS, CSI, OSC, PM and APC. */
const INTRODUCERS_8BIT = new Set([0x90, 0x98, 0x9b, 0x9d, 0x9e, 0x9f]);

interface Kitty {
  base: number;
  stack: number[];
}

export class Extras {
  readonly #core: XtermCore;
  readonly #kitty: Record<'normal' | 'alt', Kitty> = { normal: newKitty(), alt: newKitty() };
  readonly #otherModes = new Set<number>();
  /** By index, see ColorEvent. */
  readonly colours = new Map<number, [number, number, number]>();
  #modifyOtherKeys = 0;
  #tail: Buffer = Buffer.alloc(0);
  /** The control string under way is too long to be kept: its introducer. */
  #long: string | null = null;

  constructor(terminal: Terminal, core: XtermCore) {
    this.#core = core;
    const { parser } = terminal;
    const seen = (handle: (params: number[]) => void) => (params: (number | number[])[]) => {
      handle(params.map((param) => (typeof param === 'number' ? param : (param[0] ?? 0))));
      return false;
    };
    parser.registerCsiHandler(
      { prefix: '>', final: 'u' },
      seen(([flags]) => this.#push(flags ?? 0)),
    );
    parser.registerCsiHandler(
      { prefix: '<', final: 'u' },
      seen(([count]) => this.#pop(count || 1)),
    );
    parser.registerCsiHandler(
      { prefix: '=', final: 'u' },
      seen(([flags, how]) => this.#set(flags ?? 0, how || 1)),
    );
    parser.registerCsiHandler(
      { prefix: '>', final: 'm' },
      seen(([what, value]) => {
        if (what === 4) this.#modifyOtherKeys = value ?? 0;
      }),
    );
    parser.registerCsiHandler(
      { prefix: '>', final: 'n' },
      seen(([what]) => {
        if (what === 4) this.#modifyOtherKeys = 0;
      }),
    );
    parser.registerCsiHandler(
      { prefix: '?', final: 'h' },
      seen((modes) => {
        for (const mode of modes)
          if (!KEPT.has(mode) && this.#otherModes.size < OTHER_MODES_MAX) this.#otherModes.add(mode);
      }),
    );
    parser.registerCsiHandler(
      { prefix: '?', final: 'l' },
      seen((modes) => {
        for (const mode of modes) this.#otherModes.delete(mode);
      }),
    );
    parser.registerEscHandler({ final: 'c' }, () => {
      this.#reset();
      return false;
    });
    // Each link without an end of its line costs the emulator for as long as it is shown.
    parser.registerOscHandler(
      8,
      (data) => /;./.test(data) && core._oscLinkService._dataByLinkId.size >= LINKS_MAX,
    );
    core._inputHandler.onColor((events) => {
      for (const event of events) this.#colour(event);
    });
  }

  /** Of the screen that is shown. */
  get keyboardFlags(): number {
    const { base, stack } = this.#shown;
    return stack.at(-1) ?? base;
  }

  /** One of the modes that xterm.js does not keep. */
  hasMode(mode: number): boolean {
    return this.#otherModes.has(mode);
  }

  /** After each write. */
  wrote(bytes: Uint8Array): void {
    const { currentState } = this.#core._inputHandler._parser;
    if (currentState === GROUND) {
      this.#long = null;
      if (this.#tail.length > 0) this.#tail = Buffer.alloc(0);
      return;
    }
    const known = this.#tail.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#tail, bytes]);
    const begun = lastIntroducer(known);
    // Within a string that is passed over nothing begins but its end.
    if (begun > 0 || (begun === 0 && this.#long === null)) {
      this.#tail = known.subarray(begun);
      this.#long = null;
    }
    if (this.#long === null && this.#tail.length <= PENDING_BYTES_MAX) return;
    this.#long = this.#tail[1] === 0x5d || this.#tail[1] === 0x9d ? '\x1b]99999;' : '\x1b_';
    this.#tail = Buffer.from('\x1b');
  }

  /** Beginning of a sequence whose end is still to come. */
  pending(): Uint8Array {
    if (this.#core._inputHandler._parser.currentState === GROUND) return Buffer.alloc(0);
    return this.#long === null ? this.#tail : Buffer.from(this.#long);
  }

  restoreScreen(screen: 'normal' | 'alt'): string {
    const { base, stack } = this.#kitty[screen];
    return (base === 0 ? '' : `\x1b[=${base};1u`) + stack.map((flags) => `\x1b[>${flags}u`).join('');
  }

  restore(): string {
    const { _windowTitle, _windowTitleStack } = this.#core._inputHandler;
    const title = (text: string) => `\x1b]2;${text}\x1b\\`;
    return [
      ...[...this.#otherModes].map((mode) => `\x1b[?${mode}h`),
      this.#modifyOtherKeys === 0 ? '' : `\x1b[>4;${this.#modifyOtherKeys}m`,
      ...[...this.colours].map(([index, rgb]) => setColour(index, rgb)),
      ..._windowTitleStack.map((text) => `${title(text)}\x1b[22;2t`),
      _windowTitle === '' && _windowTitleStack.length === 0 ? '' : title(_windowTitle),
    ].join('');
  }

  get #shown(): Kitty {
    const { active, alt } = this.#core.buffers;
    return this.#kitty[active === alt ? 'alt' : 'normal'];
  }

  #push(flags: number): void {
    const { stack } = this.#shown;
    stack.push(flags & 31);
    if (stack.length > KITTY_STACK_MAX) stack.shift();
  }

  #pop(count: number): void {
    const shown = this.#shown;
    // More than there were: nothing is left of what was before the first.
    if (count > shown.stack.length) shown.base = 0;
    shown.stack.length = Math.max(0, shown.stack.length - count);
  }

  /** @param how 1: exactly these, 2: these as well, 3: without these */
  #set(flags: number, how: number): void {
    const shown = this.#shown;
    const now = this.keyboardFlags;
    const next = (how === 2 ? now | flags : how === 3 ? now & ~flags : flags) & 31;
    if (shown.stack.length === 0) shown.base = next;
    else shown.stack[shown.stack.length - 1] = next;
  }

  #colour({ type, index, color }: ColorEvent): void {
    if (type === 1 && index !== undefined && color !== undefined) this.colours.set(index, color);
    if (type !== 2) return;
    if (index !== undefined) this.colours.delete(index);
    else for (const known of [...this.colours.keys()]) if (known < 256) this.colours.delete(known);
  }

  #reset(): void {
    for (const screen of ['normal', 'alt'] as const) this.#kitty[screen] = newKitty();
    this.#otherModes.clear();
    this.#modifyOtherKeys = 0;
    this.colours.clear();
  }
}

const newKitty = (): Kitty => ({ base: 0, stack: [] });

function setColour(index: number, [r, g, b]: [number, number, number]): string {
  const rgb = `rgb:${[r, g, b].map((part) => part.toString(16).padStart(2, '0')).join('/')}`;
  return index < 256 ? `\x1b]4;${index};${rgb}\x1b\\` : `\x1b]${index - 246};${rgb}\x1b\\`;
}

function lastIntroducer(bytes: Buffer): number {
  const sevenBit = bytes.lastIndexOf(0x1b);
  for (let at = bytes.lastIndexOf(0xc2); at > sevenBit; at = at === 0 ? -1 : bytes.lastIndexOf(0xc2, at - 1))
    if (INTRODUCERS_8BIT.has(bytes[at + 1] ?? 0)) return at;
  return sevenBit;
}
