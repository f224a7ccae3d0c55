/** How many characters fit: a first guess for a take-over, before the terminal is drawn and measures itself. */
const CELL = { width: 7.8, height: 17 };
const HEADER_PX = 150;
const LEAST = { cols: 40, rows: 12 };

export function paneSize(): { cols: number; rows: number } {
  const box = document.querySelector('main.agent')?.getBoundingClientRect();
  const width = box?.width ?? innerWidth;
  const height = (box?.height ?? innerHeight) - HEADER_PX;
  return {
    cols: Math.max(LEAST.cols, Math.min(300, Math.floor((width - 24) / CELL.width))),
    rows: Math.max(LEAST.rows, Math.min(120, Math.floor(height / CELL.height))),
  };
}
