/** What has become of each picture: drawn by the library, a JPEG of the server, or a sentence. */

import { ask, Refused } from './asking';
import { canHold, kindInWords, type Picture } from './pictures';
import { type NativeSurface, Undecodable } from './surface';
import { words } from './words';

export type State = { by: 'native' } | { by: 'rendered'; address: string } | { by: 'words'; sentence: string };

export const KEPT_JPEGS = 80;
const TRIES = 3;

export class Album {
  private readonly states = new Map<Picture, State>();
  private readonly tries = new Map<Picture, number>();
  private native: NativeSurface | undefined;

  /** After this the library draws what it can; what stood in for its drawings is forgotten. */
  adopt(native: NativeSurface, pictures: readonly Picture[]): void {
    this.native = native;
    for (const picture of pictures) if (picture.native) this.forget(picture);
  }

  state(picture: Picture): State | undefined {
    return this.states.get(picture);
  }

  /** Is it still there? The library drops its oldest pictures when memory is short. */
  has(picture: Picture): boolean {
    const state = this.states.get(picture);
    return state !== undefined && (state.by !== 'native' || (this.native?.has(picture) ?? false));
  }

  empty(): void {
    for (const picture of this.states.keys()) this.forget(picture);
    this.tries.clear();
  }

  /** After this `picture`, the `number`th, is known one way or another. Raises `Refused` for trouble with the line. */
  async load(picture: Picture, number: number, signal: AbortSignal): Promise<void> {
    if (picture.notPicture) {
      this.states.set(picture, { by: 'words', sentence: words.cannotShow(picture.notPicture) });
      return;
    }
    if (this.native && picture.native && (await this.loadNatively(this.native, picture, signal))) return;
    await this.loadRendered(picture, number, signal);
  }

  private async loadNatively(native: NativeSurface, picture: Picture, signal: AbortSignal): Promise<boolean> {
    try {
      await native.load(picture, signal);
      const [least, most] = native.range(picture);
      // All one grey: empty, or a decoder that failed in silence. The server's rendering knows.
      if (least === most || !canHold(picture, least, most)) throw new Undecodable();
      this.states.set(picture, { by: 'native' });
      return true;
    } catch (problem) {
      if (signal.aborted || (problem instanceof Refused && this.isOfTheLine(problem, picture))) throw problem;
      picture.native = false;
      return false;
    }
  }

  private async loadRendered(picture: Picture, number: number, signal: AbortSignal): Promise<void> {
    const size = this.native ? '' : '?viewport=1024,1024';
    try {
      const answer = await ask(`${picture.address}/rendered${size}`, 'image/jpeg', signal);
      const address = URL.createObjectURL(await answer.blob());
      this.states.set(picture, { by: 'rendered', address });
      this.dropOldJpegs(picture);
    } catch (problem) {
      if (signal.aborted || !(problem instanceof Refused) || this.isOfTheLine(problem, picture)) throw problem;
      const sentence = problem.altered ? words.altered : problem.unshowable ? words.cannotShow(kindInWords(picture.instance)) : words.broken(number);
      this.states.set(picture, { by: 'words', sentence });
    }
  }

  /** Is the line to blame, so that the same question is worth asking again? */
  private isOfTheLine(problem: Refused, picture: Picture): boolean {
    if (problem.offline || problem.ended) return true;
    const tries = (this.tries.get(picture) ?? 0) + 1;
    this.tries.set(picture, tries);
    return problem.passing && tries < TRIES;
  }

  forget(picture: Picture): void {
    const state = this.states.get(picture);
    if (state?.by === 'rendered') URL.revokeObjectURL(state.address);
    this.states.delete(picture);
  }

  private dropOldJpegs(newest: Picture): void {
    const held = [...this.states].filter(([, state]) => state.by === 'rendered').map(([picture]) => picture);
    for (const picture of held.slice(0, Math.max(0, held.length - KEPT_JPEGS))) if (picture !== newest) this.forget(picture);
  }
}
