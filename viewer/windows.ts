/** Named looks and windows: values of greys that show one thing well. */

import { text } from './dicom';
import type { Page } from './given';
import type { Panes } from './panes';
import type { Window } from './surface';
import { words } from './words';

export interface Look {
  readonly name: string;
  readonly window: Window;
}

const CT: Record<'soft' | 'lung' | 'bone' | 'brain' | 'stroke' | 'abdomen' | 'mediastinum', Window> = {
  soft: { width: 400, center: 40 },
  lung: { width: 1500, center: -600 },
  bone: { width: 1800, center: 400 },
  brain: { width: 80, center: 40 },
  stroke: { width: 40, center: 40 },
  abdomen: { width: 350, center: 50 },
  mediastinum: { width: 350, center: 50 },
};

/** The looks that make sense for the picture on the screen, in the order of their keys. */
export function looksFor(page: Page, panes: Panes): Look[] {
  const isCt = panes.stage.nativeShown() !== undefined && text(panes.stage.picture()?.instance ?? {}, '00080060') === 'CT';
  if (page.toolbar === 'clinician') return clinicianLooks(panes, isCt);
  if (!isCt) return plainLooks(panes);
  const { bones, lungs, soft } = words.ctLooks;
  return [{ name: bones, window: CT.bone }, { name: lungs, window: CT.lung }, { name: soft, window: CT.soft }];
}

function plainLooks(panes: Panes): Look[] {
  const own = panes.surface().ownWindow();
  const { normal, brighter, contrast } = words.otherLooks;
  return [
    { name: normal, window: own },
    { name: brighter, window: lighter(own, 50, panes.surface().inverted()) },
    { name: contrast, window: { center: own.center, width: own.width * 0.55 } },
  ];
}

function clinicianLooks(panes: Panes, isCt: boolean): Look[] {
  const { windows } = words;
  const known = isCt ? (Object.keys(CT) as (keyof typeof CT)[]).map((name) => ({ name: windows[name], window: CT[name] })) : [];
  const more: Look[] = [{ name: windows.file, window: panes.surface().ownWindow() }];
  const native = panes.stage.nativeShown();
  const picture = panes.stage.picture();
  if (native && picture) {
    const [least, most] = native.range(picture);
    more.push({ name: windows.auto, window: { center: (least + most) / 2, width: Math.max(1, most - least) } });
  }
  return [...known, ...more, ...(isCt ? [] : plainLooks(panes).slice(1))];
}

/** `window` made lighter by `amount` of -100 (black) to 100 (white). */
export function lighter(window: Window, amount: number, inverted: boolean): Window {
  const way = inverted ? 1 : -1;
  return { center: window.center + (way * amount * window.width) / 200, width: window.width };
}
