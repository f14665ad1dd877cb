/** Keeping a copy of the picture on the screen, as a file whose name says nothing of the person. */

import { ask, Refused } from './asking';
import { make } from './building';
import type { Panes } from './panes';
import type { Picture } from './pictures';
import { words } from './words';

export type Form = 'jpg' | 'png' | 'dcm';

const ACCEPTED: Record<Form, string> = { jpg: 'image/jpeg', png: 'image/png', dcm: 'application/dicom' };
const LET_GO_MILLISECONDS = 10_000;

/** The server's picture of what is looked at, or the file it lies in as the scan center sent it. */
export async function savePicture(form: Form, { stage, cutting }: Panes, say: (sentence: string) => void): Promise<void> {
  const picture = stage.picture();
  if (!picture) return;
  if (cutting.isOn()) return say(words.notOnPlanes);
  const name = words.fileName(stage.at + 1, form);
  try {
    const answer = await ask(addressOf(picture, form), ACCEPTED[form]);
    const copy = new File([await answer.blob()], name, { type: ACCEPTED[form] });
    if (await offered(copy)) return;
    handOut(copy);
    say(words.saved);
  } catch (problem) {
    if (!(problem instanceof Refused)) throw problem;
    say(problem.altered ? words.altered : words.saveFailed);
  }
}

function addressOf({ address }: Picture, form: Form): string {
  return form === 'dcm' ? address.slice(0, address.lastIndexOf('/frames/')) : `${address}/rendered`;
}

function handOut(copy: File): void {
  const address = URL.createObjectURL(copy);
  make('a', { href: address, download: copy.name }).click();
  setTimeout(() => URL.revokeObjectURL(address), LET_GO_MILLISECONDS);
}

/** On a phone the picture goes to the share sheet, where people keep their photos; false where there is none. */
async function offered(copy: File): Promise<boolean> {
  if (!matchMedia('(pointer: coarse)').matches || !navigator.canShare?.({ files: [copy] })) return false;
  try {
    await navigator.share({ files: [copy] });
    return true;
  } catch (problem) {
    return (problem as Error).name === 'AbortError';
  }
}
