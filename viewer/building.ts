/** Making elements: short ways to say what the toolbar and the dialogs need. */

const SVG = 'http://www.w3.org/2000/svg';

/** Line drawings on a 24 x 24 sheet. */
const ICONS = {
  earlier: 'M15 4l-8 8 8 8',
  later: 'M9 4l8 8-8 8',
  play: 'M7 4v16l13-8z',
  pause: 'M8 4v16M16 4v16',
  zoomIn: 'M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l5 5M8 11h6M11 8v6',
  zoomOut: 'M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l5 5M8 11h6',
  light: 'M12 7a5 5 0 100 10 5 5 0 000-10zM12 1v3M12 20v3M1 12h3M20 12h3M4 4l2 2M18 18l2 2M20 4l-2 2M6 18l-2 2',
  groups: 'M3 4h7v7H3zM14 4h7v7h-7zM3 14h7v7H3zM14 14h7v7h-7z',
  startOver: 'M5 8a8 8 0 11-1 6M5 3v5h5',
  save: 'M12 3v12M7 11l5 5 5-5M4 20h16',
  whatIsThis: 'M12 3a9 9 0 100 18 9 9 0 000-18zM9.5 9.5a2.5 2.5 0 115 0c0 2-2.5 2-2.5 4M12 17v.5',
  fullScreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  report: 'M6 3h9l4 4v14H6zM9 11h7M9 15h7M9 7h3',
  speed: 'M4 18a9 9 0 1116 0M12 14l4-5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  fit: 'M4 4h16v16H4zM8 12h8M12 8v8',
  oneToOne: 'M6 8l2-2v12M16 8l2-2v12M12 10v.01M12 15v.01',
  invert: 'M12 3a9 9 0 100 18zM12 3a9 9 0 010 18',
  rotate: 'M19 8a8 8 0 10 1 6M19 3v5h-5',
  flipH: 'M12 3v18M9 7l-6 10h6zM15 7l6 10h-6z',
  flipV: 'M3 12h18M7 9l10-6v6zM7 15l10 6v-6z',
  length: 'M4 20L20 4M4 16v4h4M16 4h4v4',
  angle: 'M19 19H5L16 6M10 19a6 6 0 00-2-4',
  area: 'M12 6c5 0 9 2.500 9 6s-4 6-9 6-9-2.500-9-6 4-6 9-6z',
  remove: 'M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  arrow: 'M20 4L6 18M6 10v8h8',
  layout: 'M3 5h18v14H3zM12 5v14',
  marked: 'M12 3l2.7 5.6 6.1.8-4.5 4.3 1.1 6.1L12 16.9 6.600 19.800l1.1-6.1L3.200 9.400l6.1-.8z',
  corners: 'M5 7V5h14v2M12 5v14M9 19h6',
  tags: 'M4 5h16M4 10h16M4 15h10M4 20h7',
  keys: 'M3 6h18v12H3zM7 10h.01M12 10h.01M17 10h.01M8 14h8',
} as const;

export type Icon = keyof typeof ICONS;

interface Made {
  class?: string;
  text?: string;
  [attribute: string]: string | undefined;
}

export function make<K extends keyof HTMLElementTagNameMap>(name: K, with_: Made = {}, ...inside: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(with_)) {
    if (value === undefined) continue;
    if (key === 'text') element.textContent = value;
    else element.setAttribute(key, value);
  }
  element.append(...inside);
  return element;
}

export function icon(name: Icon): SVGElement {
  const sheet = document.createElementNS(SVG, 'svg');
  sheet.setAttribute('viewBox', '0 0 24 24');
  sheet.setAttribute('aria-hidden', 'true');
  sheet.setAttribute('class', 'v-icon');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', ICONS[name]);
  sheet.append(line);
  return sheet;
}

/** A button of the toolbar: a drawing over its word. */
export function toolButton(drawing: Icon, word: string, press: () => void): HTMLButtonElement {
  const button = make('button', { type: 'button', class: 'v-tool' }, icon(drawing), make('span', { text: word }));
  button.addEventListener('click', press);
  return button;
}

export function plainButton(word: string, press: () => void): HTMLButtonElement {
  const button = make('button', { type: 'button', class: 'v-button', text: word });
  button.addEventListener('click', press);
  return button;
}

/** After this one Tab leads into `bar` and the arrow keys lead through it (ARIA toolbar pattern). */
export function rove(bar: HTMLElement): void {
  const stops = () => [...bar.querySelectorAll<HTMLElement>('button')].filter((stop) => stop.offsetParent !== null);
  const stopAt = (target: HTMLElement) => {
    for (const stop of bar.querySelectorAll<HTMLElement>('button')) stop.tabIndex = stop === target ? 0 : -1;
  };
  for (const [at, stop] of [...bar.querySelectorAll<HTMLElement>('button')].entries()) stop.tabIndex = at ? -1 : 0;
  bar.addEventListener('focusin', (event) => event.target instanceof HTMLButtonElement && stopAt(event.target));
  bar.addEventListener('keydown', (event) => {
    const all = stops();
    const now = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[event.key];
    if (now < 0 || to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  });
}

/** A dialog that closes by its button, by Esc, and gives the focus back. */
export function dialog(title: string, ...inside: Node[]): HTMLDialogElement {
  const heading = make('h2', { id: `v-${title.replace(/\W+/g, '-').toLowerCase()}`, text: title });
  const box = make('dialog', { class: 'v-dialog', 'aria-labelledby': heading.id }, heading, ...inside);
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  return box;
}
