/**
 * Two defects of xterm.js that a program's output can reach, mended in the host's emulator and in the page's terminal.
 * They lie in what both packages share beyond their public interface; a test fails where a new version differs.
 */

interface Params {
  length: number;
  params: Int32Array;
}

type Repeat = (params: Params) => boolean;

interface Input {
  insertLines: Repeat;
  deleteLines: Repeat;
  scrollUp: Repeat;
  scrollDown: Repeat;
  cursorForwardTab: Repeat;
  cursorBackwardTab: Repeat;
  repeatPrecedingCharacter: Repeat;
  eraseChars: Repeat;
  eraseInDisplay(params: Params, respectProtect?: boolean): boolean;
}

interface Core {
  readonly cols: number;
  readonly rows: number;
  readonly buffers: {
    readonly active: {
      x: number;
      readonly y: number;
      readonly ybase: number;
      readonly lines: { readonly length: number };
    };
  };
  readonly _inputHandler: Input;
}

/** @param terminal a Terminal of @xterm/headless or @xterm/xterm, of the version that is pinned */
export function mendXterm(terminal: object): void {
  const { _core } = terminal as { _core: Core };
  boundRepetition(_core);
  eraseFromTheLastCell(_core);
}

/** Without a limit xterm.js repeats as often as a sequence says, up to two billion times. */
function boundRepetition(core: Core): void {
  const input = core._inputHandler;
  const bound = (name: keyof Input & string, most: () => number) => {
    const repeat = (input[name] as Repeat).bind(input);
    (input as unknown as Record<string, Repeat>)[name] = (params) => {
      params.params[0] = Math.min(params.params[0]!, most());
      return repeat(params);
    };
  };
  const rows = () => core.rows;
  const cols = () => core.cols;
  for (const name of ['insertLines', 'deleteLines', 'scrollUp', 'scrollDown'] as const) bound(name, rows);
  for (const name of ['cursorForwardTab', 'cursorBackwardTab'] as const) bound(name, cols);
  bound('repeatPrecedingCharacter', () => core.rows * core.cols);
}

/** CSI 1 J throws in the last cell of the screen, because xterm.js looks at the row below. */
function eraseFromTheLastCell(core: Core): void {
  const input = core._inputHandler;
  const erase = input.eraseInDisplay.bind(input);
  input.eraseInDisplay = (params, respectProtect) => {
    const { active } = core.buffers;
    const { x } = active;
    const last = x >= core.cols - 1 && active.ybase + active.y + 1 >= active.lines.length;
    if (params.params[0] !== 1 || !last) return erase(params, respectProtect);
    active.x = core.cols - 2;
    erase(params, respectProtect);
    active.x = core.cols - 1;
    input.eraseChars({ length: 1, params: new Int32Array([1]) });
    active.x = x;
    return true;
  };
}
