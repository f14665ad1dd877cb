/** Names of DICOM attributes, from the dictionary that comes with the picture library. */

import dcmjs from 'dcmjs';

const dictionary = dcmjs.data.DicomMetaDictionary.dictionary as Record<string, { name?: string } | undefined>;

/** "StudyDate" as "Study Date"; empty for what the dictionary does not know. */
export function nameOf(tag: string): string {
  const name = dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`]?.name ?? '';
  return name.replace(/^RETIRED_/, '').replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
}
