/** Pictures that the radiologist marked: key object selections (PS3.3 C.17.6) and presentation states (C.11.11). */

import { ask, Refused } from './asking';
import { type DicomJson, items, numbers, text } from './dicom';
import { addressOf, type Mark, type Series, type Study } from './given';
import { words } from './words';

/** A group of the marked pictures alone; undefined when nothing is marked, or we may not read what marks. */
export async function markedGroup(study: Study): Promise<Series | undefined> {
  const marks: Mark[] = [];
  for (const uid of study.marks) {
    for (const instance of await objectsOf(addressOf(study, uid))) marks.push(...marksIn(instance, study));
  }
  const marked = [...new Map(marks.map((mark) => [`${mark.instance} ${mark.frames.join()}`, mark])).values()];
  const [first] = marked;
  if (!first) return undefined;
  return {
    ...first.series,
    uid: `marked ${study.uid}`,
    number: null,
    description: words.markedGroup,
    count: marked.reduce((count, mark) => count + Math.max(1, mark.frames.length), 0),
    address: '',
    marked,
  };
}

async function objectsOf(address: string): Promise<DicomJson[]> {
  try {
    const answer = await ask(`${address}/metadata`, 'application/dicom+json');
    return answer.status === 204 ? [] : ((await answer.json()) as DicomJson[]);
  } catch (problem) {
    // Without the marks all pictures are still there; the end of access is told by what shows them.
    if (problem instanceof Refused) return [];
    throw problem;
  }
}

function marksIn(instance: DicomJson, study: Study): Mark[] {
  if (instance['0040A730']) return fromKeyObject(instance, study);
  return items(instance, '00081115').flatMap((series) => items(series, '00081140').flatMap((one) => mark(one, study, text(series, '0020000E'))));
}

/** The content names objects; which series they lie in stands in the evidence. */
function fromKeyObject(instance: DicomJson, study: Study): Mark[] {
  const seriesOf = new Map<string, string>();
  for (const evidence of items(instance, '0040A375')) {
    for (const series of items(evidence, '00081115')) {
      for (const one of items(series, '00081199')) seriesOf.set(text(one, '00081155'), text(series, '0020000E'));
    }
  }
  const named = (item: DicomJson): DicomJson[] => [...items(item, '00081199'), ...items(item, '0040A730').flatMap(named)];
  return named(instance).flatMap((one) => mark(one, study, seriesOf.get(text(one, '00081155')) ?? ''));
}

function mark(one: DicomJson, study: Study, seriesUid: string): Mark[] {
  const series = study.series.find((known) => known.uid === seriesUid);
  return series ? [{ series, instance: text(one, '00081155'), frames: numbers(one, '00081160') }] : [];
}
