/** Which earlier scan belongs beside the one that is looked at, and which group of it. */

import type { Series, Study } from './given';

const OVERVIEW = /local|scout|survey|topogram|dose|overview/i;

/** The scan of the same part of the body by the same kind of machine, the nearest before; else the nearest after. */
export function priorOf(studies: readonly Study[], now: Study): Study | undefined {
  const alike = studies.filter((one) => now.alike.includes(one.uid) && one.series.some((series) => series.count));
  const before = alike.filter((one) => one.taken <= now.taken).sort((a, b) => b.taken.localeCompare(a.taken));
  const after = alike.filter((one) => one.taken > now.taken).sort((a, b) => a.taken.localeCompare(b.taken));
  return before[0] ?? after[0];
}

/** The group of `study` that is most like `series`: its name's words, its kind, then the larger. */
export function groupLike(study: Study, series: Series): Series | undefined {
  const wanted = wordsOf(series);
  const worth = (one: Series) => {
    const shared = [...wordsOf(one)].filter((word) => wanted.has(word)).length;
    return [one.count > 0, one.modality === series.modality, !OVERVIEW.test(one.description), shared, one.count].map(Number);
  };
  return [...study.series].sort((a, b) => compare(worth(b), worth(a)))[0];
}

function wordsOf({ description }: Series): Set<string> {
  return new Set(description.toLowerCase().match(/[\p{L}\d.]+/gu) ?? []);
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((value, place) => value !== b[place]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}
