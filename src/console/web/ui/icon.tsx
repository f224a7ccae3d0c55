/** The few icons, drawn here: one stroke, 16 px, the colour of the text. */
const PATHS = {
  inbox:
    'M2.5 9.5 4.2 3.6a1 1 0 0 1 1-.7h5.6a1 1 0 0 1 1 .7l1.7 5.9v3a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-3Zm0 0h3.2l.8 1.6h3l.8-1.6h3.2',
  fleet: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  agent:
    'M3 3.5h10a.5.5 0 0 1 .5.5v8a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5V4a.5.5 0 0 1 .5-.5ZM5 6.5 6.8 8 5 9.5M8.5 10h2.5',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9Zm3.3-1.2 3.2 3.2',
  hand: 'M5 8.5V4a1 1 0 0 1 2 0v3.5V3a1 1 0 0 1 2 0v4.5V4a1 1 0 0 1 2 0v5.5c0 2.5-1.4 4-3.7 4-2 0-2.8-1-3.9-2.9L2.5 8.8c-.5-1 .8-1.7 1.4-.9L5 9.3',
  back: 'M10 3.5 5.5 8l4.5 4.5',
  down: 'M8 3.5v9m-4-4 4 4 4-4',
  chevron: 'm6 3.5 4.5 4.5L6 12.5',
  check: 'm3 8.5 3.2 3.2L13 4.8',
  cross: 'm4 4 8 8m0-8-8 8',
  send: 'M8 13V3.5M4 7.5l4-4 4 4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  mail: 'M2.5 4h11v8h-11V4Zm0 .5L8 8.8l5.5-4.3',
  memory: 'M4 2.5h8v11l-4-3-4 3v-11Z',
  report: 'M4 13.5v-11h7.5L9.8 5l1.7 2.5H4',
  ask: 'M8 13.8A5.8 5.8 0 1 0 8 2.2a5.8 5.8 0 0 0 0 11.6ZM6.5 6.4a1.6 1.6 0 1 1 2.3 1.4c-.5.3-.8.6-.8 1.2m0 1.8v.01',
  stop: 'M4.5 4.5h7v7h-7z',
  play: 'm5.5 3.5 6.5 4.5-6.5 4.5v-9Z',
  restart: 'M12.5 8a4.5 4.5 0 1 1-1.4-3.3M12.5 2.5v2.7H9.8',
  interrupt: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM5.5 8h5',
  hold: 'M2.5 8h6.8M6.6 5.3 9.3 8l-2.7 2.7M12.5 3.5v9',
  pause: 'M5.5 4v8m5-8v8',
  key: 'M8 2 3 4v3.8c0 3 2 5.2 5 6.2 3-1 5-3.2 5-6.2V4L8 2Zm-2 6 1.5 1.5L10.2 6.7',
  clock: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 5v3.2l2 1.3',
  warn: 'M8 2.8 14 13H2L8 2.8Zm0 3.9v3m0 1.6v.01',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return <Drawn path={PATHS[name]} />;
}

/** Of a part that is loaded later, which brings its own. */
export function Drawn({ path }: { path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
