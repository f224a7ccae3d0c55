/** The colours of a terminal in the console: the page draws with them, and the host answers programs that ask for them. */

export interface Palette {
  foreground: string;
  background: string;
  /** The 16 colours that programs name by number. */
  ansi: readonly string[];
}

export const PALETTES: Record<'dark' | 'light', Palette> = {
  dark: {
    foreground: '#d7d9de',
    background: '#0b0c0e',
    ansi: [
      '#1c1e22',
      '#f2777a',
      '#7fc98b',
      '#e2b86b',
      '#7aa7f0',
      '#c397e0',
      '#6cc5c9',
      '#c8cad0',
      '#767b86',
      '#ff9a9c',
      '#9fe0a8',
      '#f4d08e',
      '#a1c2fa',
      '#dab8f0',
      '#93dde0',
      '#f4f5f7',
    ],
  },
  light: {
    foreground: '#24272e',
    background: '#fcfcfd',
    ansi: [
      '#24272e',
      '#c0282d',
      '#1c7a36',
      '#8a5a00',
      '#2353c4',
      '#8437a8',
      '#0f7078',
      '#5d626e',
      '#6b7079',
      '#d43b40',
      '#258c43',
      '#a06a00',
      '#3767dd',
      '#9a4cc0',
      '#18858e',
      '#3a3e47',
    ],
  },
};
