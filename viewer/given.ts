/** What the page tells the viewer: data attributes only, since no script may stand in a page. */

export interface Series {
  readonly uid: string;
  readonly number: number | null;
  readonly description: string;
  readonly modality: string;
  readonly count: number;
  /** Where DICOMweb has this series: "/dicomweb/studies/…/series/…". */
  readonly address: string;
  readonly study: Study;
  /** The pictures alone that were marked, from several series; then `address` is nobody's. */
  readonly marked?: readonly Mark[];
}

/** One picture that a list of marked pictures names; without frames all of the object's. */
export interface Mark {
  readonly series: Series;
  readonly instance: string;
  readonly frames: readonly number[];
}

export interface Study {
  readonly uid: string;
  readonly title: string;
  readonly date: string;
  /** The same as digits, "20260303", for comparing. */
  readonly taken: string;
  readonly place: string;
  readonly reportUrl: string;
  /** UIDs of the other scans here that are of the same part of the body by the same kind of machine. */
  readonly alike: readonly string[];
  readonly series: Series[];
  /** UIDs of its series that mark pictures of others: key object selections and presentation states. */
  readonly marks: readonly string[];
}

export type Toolbar = 'patient' | 'clinician';

export interface Page {
  readonly root: HTMLElement;
  readonly toolbar: Toolbar;
  readonly studies: Study[];
  readonly start: Series | undefined;
  /** Which picture of it was asked for, by the file's own number. */
  readonly startImage: number | undefined;
  readonly aliveUrl: string;
  readonly endedUrl: string;
  readonly maySave: boolean;
  readonly hints: boolean;
}

interface WrittenStudy extends Omit<Study, 'series'> {
  series: Omit<Series, 'address' | 'study'>[];
}

export function readPage(root: HTMLElement): Page {
  const { toolbar, studies, startSeries, startImage, aliveUrl, endedUrl, maySave, hints } = root.dataset;
  const all = (JSON.parse(studies ?? '[]') as WrittenStudy[]).map(joined);
  const series = all.flatMap((study) => study.series);
  return {
    root,
    toolbar: toolbar === 'clinician' ? 'clinician' : 'patient',
    studies: all,
    start: series.find((one) => one.uid === startSeries) ?? series[0],
    startImage: startImage === undefined ? undefined : Number(startImage),
    aliveUrl: aliveUrl ?? '',
    endedUrl: endedUrl ?? '',
    maySave: maySave === 'yes',
    hints: hints === 'show',
  };
}

function joined(written: WrittenStudy): Study {
  const study: Study = { ...written, series: [] };
  for (const one of written.series) {
    study.series.push({ ...one, study, address: addressOf(study, one.uid) });
  }
  return study;
}

/** Where DICOMweb has a series of the study (PS3.18 10.4). */
export function addressOf(study: Study, uid: string): string {
  return `/dicomweb/studies/${study.uid}/series/${uid}`;
}

/** The element of the page with this id; the template promises it. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}
