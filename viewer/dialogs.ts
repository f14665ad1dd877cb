/** The boxes with things to read: first hints, which side is which, keys, DICOM tags. */

import type { Actions } from './actions';
import { dialog, make, plainButton } from './building';
import type { Corners } from './corners';
import type { DicomJson, Element } from './dicom';
import type { Page } from './given';
import type { Stage } from './stage';
import { words } from './words';

const HINTS_SEEN = 'hints';

/** Once in this browser window; what is kept is one word that tells nothing of anyone. */
export function showHintsOnce(page: Page): void {
  if (!page.hints || sessionStorage.getItem(HINTS_SEEN)) return;
  const lines = matchMedia('(pointer: coarse)').matches ? words.hints : words.mouseHints;
  const box = dialog(words.hintsTitle, make('ul', {}, ...lines.map((text) => make('li', { text }))));
  box.append(closing(box, words.gotIt));
  box.showModal();
  sessionStorage.setItem(HINTS_SEEN, 'seen');
}

export function showLookingAt(corners: Corners): void {
  const sentences = corners.hasSides() ? words.lookingAt : [words.lookingWithout];
  const box = dialog(words.lookingTitle, ...sentences.map((text) => make('p', { text })));
  box.append(closing(box, words.close));
  box.showModal();
}

export function showKeys(page: Page, actions: Actions): void {
  const all = page.toolbar === 'clinician' ? [...words.keyNames, ...words.clinicianKeyNames] : words.keyNames;
  const rows = all.filter(([key]) => key !== 'S' || page.maySave).map(([key, does]) => make('tr', {}, make('th', { scope: 'row', text: key }), make('td', { text: does })));
  const letters = make('input', { type: 'checkbox', id: 'v-letters' });
  letters.checked = actions.lettersOn;
  letters.addEventListener('change', () => {
    actions.lettersOn = letters.checked;
  });
  const choice = make('p', { class: 'v-choice' }, letters, make('label', { for: 'v-letters', text: words.keysOn }));
  const box = dialog(words.keysTitle, make('p', { text: words.keysNote }), choice, make('table', { class: 'v-keys' }, make('tbody', {}, ...rows)));
  box.append(closing(box, words.close));
  box.showModal();
}

export async function showTags(stage: Stage): Promise<void> {
  const picture = stage.picture();
  if (!picture) return;
  const { nameOf } = await import('./tagnames');
  const rows = rowsOf(picture.instance, nameOf, 0);
  const search = make('input', { type: 'search', id: 'v-tag-search' });
  const count = make('p', { role: 'status', class: 'v-note' });
  const body = make('tbody');
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = rows.filter((row) => row.join(' ').toLowerCase().includes(wanted));
    body.replaceChildren(...found.map((row) => make('tr', {}, ...row.map((text) => make('td', { text })))));
    count.textContent = words.tagCount(found.length, rows.length);
  };
  search.addEventListener('input', draw);
  const head = make('thead', {}, make('tr', {}, ...words.tagHeads.map((text) => make('th', { scope: 'col', text }))));
  const table = make('div', { class: 'v-table', tabindex: '0', role: 'region', 'aria-label': words.tagsTitle }, make('table', {}, head, body));
  const box = dialog(words.tagsTitle, make('label', { for: 'v-tag-search', text: words.tagSearch }), search, count, table);
  box.classList.add('v-wide');
  box.append(closing(box, words.close));
  draw();
  box.showModal();
}

function rowsOf(instance: DicomJson, nameOf: (tag: string) => string, depth: number): string[][] {
  return Object.keys(instance).sort().flatMap((tag) => {
    const element = instance[tag] as Element;
    const written = `${'› '.repeat(depth)}(${tag.slice(0, 4)},${tag.slice(4)})`;
    const row = [written, nameOf(tag) || words.privateTag, element.vr, valueInWords(element)];
    const inside = element.vr === 'SQ' ? ((element.Value ?? []) as DicomJson[]).flatMap((item) => rowsOf(item, nameOf, depth + 1)) : [];
    return [row, ...inside];
  });
}

const LONGEST = 200;

function valueInWords({ vr, Value, InlineBinary, BulkDataURI }: Element): string {
  if (vr === 'SQ') return words.items(Value?.length ?? 0);
  if (InlineBinary !== undefined || BulkDataURI !== undefined) return words.binary(vr);
  const written = (Value ?? []).map((one) => (one && typeof one === 'object' ? ((one as { Alphabetic?: string }).Alphabetic ?? '') : String(one ?? ''))).join(' \\ ');
  return written.length > LONGEST ? `${written.slice(0, LONGEST)} …` : written;
}

function closing(box: HTMLDialogElement, word: string): HTMLElement {
  return make('p', { class: 'v-closing' }, plainButton(word, () => box.close()));
}

/** Asks for the words at an arrow; none, or Esc, gives an arrow without words. */
export function askNote(done: (note: string | undefined) => void): void {
  const note = make('input', { type: 'text', id: 'v-note', maxlength: '80', autocomplete: 'off' });
  const form = make('form', { method: 'dialog' }, make('p', {}, make('label', { for: 'v-note', text: words.noteLabel })), note, make('p', { class: 'v-closing' }, make('button', { class: 'v-button', text: words.noteDone })));
  const box = dialog(words.noteTitle, form);
  box.addEventListener('close', () => done(note.value.trim() || ' '));
  box.showModal();
  note.focus();
}
