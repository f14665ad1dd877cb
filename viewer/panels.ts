/** The small boxes that a tool opens over the picture: light and looks, and speed. */

import type { Actions } from './actions';
import { make, plainButton } from './building';
import { type Cine, type Speed, SPEEDS } from './cine';
import type { Page } from './given';
import type { Layout, Panes } from './panes';
import type { Form } from './saving';
import type { Window } from './surface';
import { lighter, looksFor } from './windows';
import { words } from './words';

export interface Panel {
  readonly box: HTMLElement;
  /** Brings the panel up to date; called when it opens and whenever the picture changes. */
  draw(): void;
}

export function lightPanel(page: Page, panes: Panes, actions: Actions): Panel {
  const slider = make('input', { type: 'range', min: '-100', max: '100', step: '2', value: '0', id: 'v-light' });
  const note = make('p', { class: 'v-note' });
  const looks = make('div', { class: 'v-looks', role: 'group', 'aria-label': words.looks });
  // Where the slider began, and what it has made of it; another look or "Start over" begins anew.
  let before: Window | undefined;
  let made: Window | undefined;
  slider.addEventListener('input', () => {
    const surface = panes.surface();
    before ??= surface.window();
    panes.setWindow(lighter(before, Number(slider.value), surface.inverted()));
    made = surface.window();
    slider.setAttribute('aria-valuetext', Number(slider.value) < 0 ? words.darker : words.lighter);
  });
  const label = make('label', { for: 'v-light', text: words.lighterDarker });
  const ends = make('div', { class: 'v-ends' }, make('span', { text: words.darker }), slider, make('span', { text: words.lighter }));
  const box = make('div', { class: 'v-panel', role: 'group', 'aria-label': words.light }, label, ends, looks, note);
  let drawnFor = '';
  return {
    box,
    draw() {
      note.textContent = panes.stage.nativeShown() ? '' : words.simpleLight;
      const now = panes.surface().window();
      if (!made || made.center !== now.center || made.width !== now.width) {
        before = undefined;
        slider.value = '0';
      }
      const all = looksFor(page, panes);
      const key = all.map((look) => `${look.name} ${look.window.center} ${look.window.width}`).join();
      if (key === drawnFor) return;
      drawnFor = key;
      looks.replaceChildren(...all.map((look) => plainButton(look.name, () => actions.look(look))));
    },
  };
}

export function speedPanel(page: Page, cine: Cine): Panel {
  const box = make('div', { class: 'v-panel', role: 'group', 'aria-label': words.speed });
  return page.toolbar === 'patient' ? threeSpeeds(box, cine) : anySpeed(box, cine);
}

function threeSpeeds(box: HTMLElement, cine: Cine): Panel {
  const rates = () => ({ slow: Math.min(SPEEDS.slow, cine.ownRate() / 2), normal: cine.ownRate(), fast: Math.max(SPEEDS.fast, cine.ownRate() * 2) });
  const buttons = (Object.keys(SPEEDS) as Speed[]).map((speed) => ({ speed, button: plainButton(words[speed], () => cine.setRate(rates()[speed])) }));
  box.append(make('div', { class: 'v-looks' }, ...buttons.map(({ button }) => button)));
  return {
    box,
    draw: () => {
      for (const { speed, button } of buttons) button.setAttribute('aria-pressed', String(cine.rate === Math.max(1, Math.min(60, Math.round(rates()[speed])))));
    },
  };
}

function anySpeed(box: HTMLElement, cine: Cine): Panel {
  const rate = make('input', { type: 'number', min: '1', max: '60', id: 'v-rate' });
  rate.addEventListener('change', () => cine.setRate(Number(rate.value) || 1));
  const way = make('select', { id: 'v-way', 'aria-label': words.speed }, make('option', { value: '', text: words.loop }), make('option', { value: 'sweep', text: words.sweep }));
  way.addEventListener('change', () => {
    cine.sweep = way.value === 'sweep';
  });
  box.append(make('label', { for: 'v-rate', text: words.framesPerSecond }), rate, way);
  return {
    box,
    draw: () => {
      rate.value = String(cine.rate);
    },
  };
}

/** In which form a doctor keeps the picture on the screen. */
export function savePanel(actions: Actions): Panel {
  const forms = (Object.keys(words.saveForms) as Form[]).map((form) => plainButton(words.saveForms[form], () => void actions.savePicture(form)));
  const looks = make('div', { class: 'v-looks' }, ...forms);
  return { box: make('div', { class: 'v-panel', role: 'group', 'aria-label': words.save }, looks, make('p', { class: 'v-note', text: words.saveNote })), draw: () => undefined };
}

/** How many pictures stand beside each other, and what holds them together. */
export function layoutPanel(panes: Panes, actions: Actions): Panel {
  const box = make('div', { class: 'v-panel', role: 'group', 'aria-label': words.layout });
  const layouts = ([1, 2, 4] as Layout[]).map((layout) => ({ pressed: () => panes.layout === layout && !panes.cutting.isOn(), button: plainButton(words.layouts[layout], () => actions.layout(layout)) }));
  const bonds = [
    { pressed: () => panes.linking.isOn(), button: plainButton(words.link, () => actions.toggleLink()) },
    { pressed: () => panes.scouts.isOn(), button: plainButton(words.scouts, () => actions.toggleScouts()) },
    { pressed: () => panes.cutting.isOn(), button: plainButton(words.planesTool, () => actions.togglePlanes()) },
  ];
  const prior = plainButton(words.withPrior, () => actions.compare());
  box.append(make('div', { class: 'v-looks' }, ...layouts.map(({ button }) => button), prior), make('div', { class: 'v-looks' }, ...bonds.map(({ button }) => button)));
  return {
    box,
    draw() {
      for (const { button, pressed } of [...layouts, ...bonds]) button.setAttribute('aria-pressed', String(pressed()));
      const hasRoom = panes.hasRoom();
      for (const { button } of [...layouts, ...bonds.slice(0, 2)]) button.hidden = !hasRoom;
      prior.textContent = hasRoom ? words.withPrior : words.compare(panes.priorYear());
      prior.hidden = !panes.priorYear();
    },
  };
}
