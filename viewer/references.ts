/** Places in a report that name a picture, "series 4 image 12", made into links to it. */

import { make } from './building';
import { words } from './words';

export interface Reference {
  readonly series: number;
  readonly image: number;
}

const SERIES = String.raw`(?:series|serie|ser\.?|se\.?|s)\s*(?:#|no\.?|number|nº|número)?\s*(\d{1,4})`;
const IMAGE = String.raw`(?:images?|im[aá]genes|imagen|img\.?|im\.?|i|slice|picture)\s*(?:#|no\.?|number|nº|número)?\s*(\d{1,5})`;
const NAMED = new RegExp(String.raw`\b(?:${SERIES}\s*[,;:/(-]?\s*${IMAGE}|${IMAGE}\s*(?:of|on|in|,|\(|de la|en la)\s*${SERIES})(?!\d)`, 'giu');

/** After this what in `box` names a picture is a link that calls `go`; what `exists` denies stays text. */
export function linkPictures(box: HTMLElement, exists: (to: Reference) => boolean, go: (to: Reference) => void): void {
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest('a, button')) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    const pieces = piecesOf(text.data, exists, go);
    if (pieces.length > 1) text.replaceWith(...pieces);
  }
}

function piecesOf(written: string, exists: (to: Reference) => boolean, go: (to: Reference) => void): (string | Node)[] {
  const pieces: (string | Node)[] = [];
  let done = 0;
  for (const found of written.matchAll(NAMED)) {
    const [whole, series, image, imageFirst, seriesLast] = found;
    const to = { series: Number(series ?? seriesLast), image: Number(image ?? imageFirst) };
    if (!exists(to)) continue;
    pieces.push(written.slice(done, found.index), linkTo(whole, to, go));
    done = found.index + whole.length;
  }
  return [...pieces, written.slice(done)];
}

function linkTo(whole: string, to: Reference, go: (to: Reference) => void): HTMLElement {
  const link = make('a', { href: '#picture', class: 'v-reference', title: words.goToPicture(to.series, to.image), text: whole });
  link.addEventListener('click', (event) => {
    event.preventDefault();
    go(to);
  });
  return link;
}
