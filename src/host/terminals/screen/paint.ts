/** A screen, or the part of it that fits, as the text that draws it at the top left of a terminal of another size. */
import type { Emulator } from './emulator.ts';
import { cellOf } from './rows.ts';
import { attributesKey, PLAIN, sgr } from './sgr.ts';
import type { XtermCore } from './xterm-core.ts';

export class Painter {
  #shown: string[] = [];

  /** Everything is drawn the next time. */
  forget(): void {
    this.#shown = [];
  }

  /** What has changed since the last time. Rows below the cursor's are left out first. */
  paint(emulator: Emulator, room: { cols: number; rows: number }): string {
    const { core } = emulator;
    const { active } = core.buffers;
    const top = Math.max(0, active.y - room.rows + 1);
    const rows = Math.min(core.rows - top, room.rows);
    let text = '\x1b[?25l';
    for (let y = 0; y < room.rows; y += 1) {
      const row = y < rows ? rowText(core, active.ybase + top + y, room.cols) : '';
      if (this.#shown[y] === row) continue;
      this.#shown[y] = row;
      text += `\x1b[${y + 1};1H${row}\x1b[m\x1b[K`;
    }
    this.#shown.length = room.rows;
    const x = Math.min(active.x, core.cols - 1);
    if (core.coreService.isCursorHidden || x >= room.cols) return text;
    return `${text}\x1b[${active.y - top + 1};${x + 1}H\x1b[?25h`;
  }
}

function rowText(core: XtermCore, index: number, cols: number): string {
  const line = core.buffers.active.lines.get(index);
  if (line === undefined) return '';
  let text = '';
  let look = attributesKey(PLAIN);
  for (let x = 0; x < Math.min(core.cols, cols); ) {
    const cell = cellOf(line, x);
    const width = Math.max(1, cell.width);
    const next = attributesKey(cell);
    // Without its link: nothing is clicked here.
    if (next !== look) text += sgr(core, { ...cell, extended: { ...cell.extended, urlId: 0 } }, 0).text;
    look = next;
    text += cell.text === '' || x + width > cols ? ' ' : cell.text;
    x += width;
  }
  return text;
}
