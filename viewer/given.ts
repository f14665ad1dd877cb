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
}

export interface Study {
  readonly uid: string;
  readonly title: string;
  readonly date: string;
  readonly place: string;
  readonly reportUrl: string;
  readonly series: Series[];
}

export type Toolbar = 'patient' | 'clinician';

export interface Page {
  readonly root: HTMLElement;
  readonly toolbar: Toolbar;
  readonly studies: Study[];
  readonly start: Series | undefined;
  readonly aliveUrl: string;
  readonly endedUrl: string;
  readonly maySave: boolean;
  readonly hints: boolean;
}

interface WrittenStudy extends Omit<Study, 'series'> {
  series: Omit<Series, 'address' | 'study'>[];
}

export function readPage(root: HTMLElement): Page {
  const { toolbar, studies, startSeries, aliveUrl, endedUrl, maySave, hints } = root.dataset;
  const all = (JSON.parse(studies ?? '[]') as WrittenStudy[]).map(joined);
  const series = all.flatMap((study) => study.series);
  return {
    root,
    toolbar: toolbar === 'clinician' ? 'clinician' : 'patient',
    studies: all,
    start: series.find((one) => one.uid === startSeries) ?? series[0],
    aliveUrl: aliveUrl ?? '',
    endedUrl: endedUrl ?? '',
    maySave: maySave === 'yes',
    hints: hints === 'show',
  };
}

function joined(written: WrittenStudy): Study {
  const study: Study = { ...written, series: [] };
  for (const one of written.series) {
    study.series.push({ ...one, study, address: `/dicomweb/studies/${study.uid}/series/${one.uid}` });
  }
  return study;
}

/** The element of the page with this id; the template promises it. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}
