// What a health link opened, on the page: whose it is, the scans with a picture each, the reports in their own words.
// Everything is text or an image of ours; nothing that was sent becomes markup.
import type { LinkFiles, Resource, Token } from './link-files';

type Said = Record<string, string>;
// FHIR as far as it is read here; anything may be absent.
type Part = any;

function made<Name extends keyof HTMLElementTagNameMap>(name: Name, text = '', className = ''): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = className;
  return element;
}

const of = (files: LinkFiles, type: string): Part[] => files.resources.filter((one: Resource) => one.resourceType === type);

/** A FHIR date or moment in words: the day. */
function day(written: string | undefined): string {
  const found = /^(\d{4})-(\d{2})-(\d{2})/.exec(written ?? '');
  if (!found) return written ?? '';
  const language = document.documentElement.lang.replace(/^en$/, 'en-GB'); // the day before the month, as on all our pages
  const there = new Date(Date.UTC(Number(found[1]), Number(found[2]) - 1, Number(found[3])));
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(there);
}

function personName(patient: Part): string {
  const name = patient?.name?.[0];
  return name?.text ?? [...(name?.given ?? []), name?.family].filter(Boolean).join(' ');
}

/** Everything on the page, and the reader's eyes and ears at its beginning. */
export function draw(files: LinkFiles, said: Said, into: HTMLElement): void {
  const [patient] = of(files, 'Patient');
  const whose = personName(patient);
  const heading = made('h2', whose || said.scans!, 'nhsuk-heading-m');
  heading.tabIndex = -1;
  into.replaceChildren(heading);
  if (patient?.birthDate) into.append(made('p', `${said.born} ${day(patient.birthDate)}`));
  const [studies, reports] = [of(files, 'ImagingStudy'), of(files, 'DiagnosticReport')];
  if (files.token && studies.length) into.append(picturesButton(files.token, said));
  if (studies.length) into.append(made('h3', said.scans, 'nhsuk-heading-s'), list(studies.map((one) => scan(one, files.token, said))));
  if (reports.length) into.append(made('h3', said.reports, 'nhsuk-heading-s'), list(reports.map((one) => report(one, said))));
  if (!studies.length && !reports.length) into.append(made('p', said.nothing));
  heading.focus();
}

function list(cards: HTMLElement[]): HTMLElement {
  const all = made('ul', '', 'kr-cards');
  all.append(...cards);
  return all;
}

/** On to our own viewer, as a guest: the token is shown once, in a header, and becomes a cookie. */
function picturesButton(token: Token, said: Said): HTMLElement {
  const line = made('p');
  const button = made('button', said.pictures, 'nhsuk-button');
  button.type = 'button';
  button.addEventListener('click', async () => {
    button.setAttribute('aria-disabled', 'true');
    const answer = await fetch('/shl/visit', { method: 'POST', headers: { Authorization: `Bearer ${token.access_token}` } });
    button.removeAttribute('aria-disabled');
    if (answer.ok) location.assign((await answer.json()).address);
    else line.append(made('span', said.ended, 'nhsuk-error-message'));
  });
  line.append(button);
  return line;
}

function titleOf(study: Part, said: Said): string {
  return study.description ?? study.modality?.map((one: Part) => one.code).join(', ') ?? said.scan;
}

function scan(study: Part, token: Token | undefined, said: Said): HTMLElement {
  const card = made('li', '', 'kr-card kr-scan');
  const text = made('div', '', 'kr-scan__text');
  text.append(made('h4', titleOf(study, said), 'kr-card__title'));
  if (study.started) text.append(made('p', day(study.started), 'kr-card__line'));
  if (study.numberOfInstances) text.append(made('p', said.count!.replace('{count}', String(study.numberOfInstances)), 'kr-card__line'));
  const uid = study.identifier?.find((one: Part) => one.system === 'urn:dicom:uid')?.value?.replace('urn:oid:', '');
  if (token && uid && study.series?.length) card.append(thumbnail(uid, token, titleOf(study, said), said));
  card.append(text);
  return card;
}

function thumbnail(uid: string, token: Token, title: string, said: Said): HTMLElement {
  const picture = made('img', '', 'kr-scan__picture');
  picture.alt = said.pictureOf!.replace('{scan}', title);
  picture.width = picture.height = 96;
  void (async () => {
    const answer = await fetch(`/dicomweb/studies/${uid}/thumbnail`, {
      headers: { Authorization: `Bearer ${token.access_token}`, Accept: 'image/jpeg' },
    });
    if (answer.ok) picture.src = URL.createObjectURL(await answer.blob());
    else picture.remove();
  })();
  return picture;
}

function report(one: Part, said: Said): HTMLElement {
  const card = made('li', '', 'kr-card');
  card.append(made('h4', one.code?.text ?? one.code?.coding?.[0]?.display ?? said.report, 'kr-card__title'));
  const when = day(one.effectiveDateTime ?? one.issued);
  if (when) card.append(made('p', when, 'kr-card__line'));
  for (const text of wordsOf(one)) card.append(made('p', text, 'kr-report'));
  for (const form of one.presentedForm ?? []) {
    if (form.data && form.contentType === 'application/pdf') card.append(paper(form, said));
  }
  return card;
}

/** The report's own words: its text file, else its conclusion, else what its narrative says without markup. */
function wordsOf(one: Part): string[] {
  const plain = (one.presentedForm ?? []).filter((form: Part) => form.data && form.contentType?.startsWith('text/plain'));
  if (plain.length) return plain.map((form: Part) => new TextDecoder().decode(fromBase64(form.data)));
  if (one.conclusion) return [one.conclusion];
  const narrative = new DOMParser().parseFromString(one.text?.div ?? '', 'text/html').body.textContent?.trim();
  return narrative ? [narrative] : [];
}

function fromBase64(data: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
}

function paper(form: Part, said: Said): HTMLElement {
  const line = made('p');
  const link = made('a', said.saveFile);
  link.href = URL.createObjectURL(new Blob([fromBase64(form.data)], { type: 'application/pdf' }));
  link.download = 'report.pdf';
  line.append(link);
  return line;
}
