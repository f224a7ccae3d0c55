/**
 * What a person who cannot see well, or uses no mouse, would trip over: things without a name, text without
 * contrast, a page wider than the screen. Runs inside the page.
 */
import type { Page } from 'playwright-core';
import { LONG } from './run-tree.ts';

const WIDTHS = [
  [1440, 900],
  [1024, 768],
  [390, 844],
] as const;

interface Screen {
  width: number;
  height: number;
  colorScheme: 'light' | 'dark';
}

/** Every width in every light. */
const ALL: Screen[] = WIDTHS.flatMap(([width, height]) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, height, colorScheme })),
);
/** Each width and each light; the narrow one, where most can go wrong, in both. */
const IN_TURN: Screen[] = [ALL[0]!, ALL[5]!, ALL[3]!, ALL[4]!];

/**
 * What a place would make somebody trip over: in the long form on every screen, otherwise on one, each place on the
 * next one.
 */
export function auditor(page: Page): (place: string) => Promise<(Audit & { place: string })[]> {
  let count = 0;
  return async (place) => {
    const found: (Audit & { place: string })[] = [];
    for (const { width, height, colorScheme } of LONG ? ALL : [IN_TURN[count++ % IN_TURN.length]!]) {
      await page.setViewportSize({ width, height });
      // Colours that are on their way to those of the other light are nobody's.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const { nameless, dim, outside } = await audit(page);
      if (nameless.length + dim.length + outside.length > 0)
        found.push({ place: `${place}, ${width} px, ${colorScheme}`, nameless, dim, outside });
    }
    return found;
  };
}

interface Audit {
  nameless: string[];
  /** Text whose contrast with what is behind it is under WCAG AA. */
  dim: string[];
  /** What sticks out of the screen sideways and cannot be scrolled to. */
  outside: string[];
}

function audit(page: Page): Promise<Audit> {
  return page.evaluate(`(${inPage.toString()})()`) as Promise<Audit>;
}

/** Serialised: refers to nothing outside itself. */
function inPage(): Audit {
  // biome-ignore lint/suspicious/noExplicitAny: the page's globals are not this program's
  const { document, getComputedStyle, innerWidth } = globalThis as any;
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  const colours = new Map<string, number[]>();
  const rgba = (colour: string): number[] => {
    let known = colours.get(colour);
    if (!known) {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
      known = [r, g, b, a / 255];
      colours.set(colour, known);
    }
    return known;
  };
  const over = (top: number[], bottom: number[]): number[] =>
    [0, 1, 2].map((n) => top[n]! * top[3]! + bottom[n]! * (1 - top[3]!)).concat(1);
  // biome-ignore lint/suspicious/noExplicitAny: an element of the page
  const behind = (element: any): number[] => {
    if (!element) return rgba('#fff');
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3]! >= 1 ? own : over(own, behind(element.parentElement));
  };
  const light = (colour: number[]): number => {
    const [r, g, b] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: number[], b: number[]): number => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high! + 0.05) / (low! + 0.05);
  };
  // biome-ignore lint/suspicious/noExplicitAny: an element of the page
  const seen = (element: any): boolean =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    element.getBoundingClientRect().width > 1;
  // biome-ignore lint/suspicious/noExplicitAny: an element of the page
  const describe = (element: any): string =>
    `<${element.tagName.toLowerCase()} class="${element.getAttribute('class') ?? ''}"> ${element.textContent.trim().slice(0, 40)}`;

  const nameless: string[] = [];
  for (const element of document.querySelectorAll(
    'button, a[href], input, textarea, [role=dialog], dialog[open], [tabindex="0"]',
  )) {
    if (!seen(element)) continue;
    const label =
      element.getAttribute('aria-label') ||
      element.textContent.trim() ||
      [...(element.labels ?? [])].map((label: { textContent: string }) => label.textContent.trim()).join('');
    if (!label) nameless.push(describe(element));
  }

  const dim = new Set<string>();
  const texts = document.createTreeWalker(document.body, 4);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !seen(element) || element.closest('.xterm, .hidden')) continue;
    const style = getComputedStyle(element);
    const back = behind(element);
    const front = over(rgba(style.color), back);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = contrast(front, back);
    if (found < (large ? 3 : 4.5)) dim.add(`${found.toFixed(2)} ${describe(element)}`);
  }
  const outside: string[] = [];
  for (const element of document.body.querySelectorAll('*')) {
    if (!seen(element) || element.closest('.xterm, .hidden, svg')) continue;
    const box = element.getBoundingClientRect();
    if (box.right <= innerWidth + 1 && box.left >= -1) continue;
    let scrolls = false;
    for (let up = element.parentElement; up; up = up.parentElement) {
      scrolls ||= /auto|scroll/.test(getComputedStyle(up).overflowX);
    }
    if (!scrolls) outside.push(describe(element));
  }
  return { nameless, dim: [...dim], outside };
}
