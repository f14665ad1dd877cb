/** Opening a group: which pictures it has, asked again while the line is down, and where to begin in it. */

import { Refused, wait } from './asking';
import type { Series } from './given';
import { middleOf, type Picture, picturesOf } from './pictures';

const NEXT_TRY_MILLISECONDS = 2000;

/** Which picture of a series to begin with. */
export type Place = (pictures: readonly Picture[]) => number;

export interface Trouble {
  offline(isOffline: boolean): void;
  ended(): void;
  /** The server has no answer for this group, and none will come. */
  failed(why: Refused): void;
}

/** Where the picture stands that a group's quick view shows. */
export function quickPlace(series: Series): Place {
  return series.marked ? () => 0 : middleOf;
}

export function within(pictures: readonly Picture[], at: number): number {
  return Math.max(0, Math.min(pictures.length - 1, at));
}

/** The pictures of `series` once the line lets them through; undefined when that will not be, which `trouble` is told. */
export async function picturesOnceOnline(series: Series, signal: AbortSignal, trouble: Trouble): Promise<Picture[] | undefined> {
  for (;;) {
    try {
      const pictures = await picturesOf(series, signal);
      return signal.aborted ? undefined : pictures;
    } catch (problem) {
      if (signal.aborted) return undefined;
      if (!(problem instanceof Refused)) throw problem;
      if (!problem.offline && !problem.passing) {
        if (problem.ended) trouble.ended();
        else trouble.failed(problem);
        return undefined;
      }
      trouble.offline(problem.offline);
    }
    const back = new Promise<void>((done) => window.addEventListener('online', () => done(), { once: true }));
    await Promise.race([wait(NEXT_TRY_MILLISECONDS), back]);
    if (signal.aborted) return undefined;
  }
}
