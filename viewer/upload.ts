// The page that adds old scans: choose, look, tick, send (U1 to U4). Every word it shows stands in the page.
import { described, find, type Found, type Picture } from './upload-finding';
import { Ended, send, type Sent } from './upload-sending';

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const root = element('upload');
const words = root.dataset as Record<string, string>;
const heading = document.querySelector('h1') as HTMLHeadingElement;
const first = { heading: heading.textContent ?? '', title: document.title };
let ending = new AbortController();
let finished = false;

/** One of the four parts of the page; its name is the heading of the whole. */
function show(part: 'choosing' | 'looking' | 'found' | 'adding', name: string): void {
  for (const one of ['choosing', 'looking', 'found', 'adding']) element(one).hidden = one !== part;
  element('problem').hidden = true;
  heading.textContent = name;
  document.title = first.title.replace(first.heading, name);
  heading.tabIndex = -1;
  heading.focus();
}

const say = (sentence: string): void => { element('status').textContent = sentence; };
const filled = (sentence: string, values: Record<string, number>): string =>
  sentence.replace(/\{(\w+)\}/g, (_, name: string) => (values[name] ?? 0).toLocaleString(document.documentElement.lang));

/** Back at the beginning, with what went wrong. */
function complain(sentence: string): void {
  show('choosing', first.heading);
  problem(sentence);
}

function problem(sentence: string): void {
  element('problem-words').textContent = sentence;
  element('problem').hidden = false;
  if (!document.title.startsWith(words.prefix!)) document.title = `${words.prefix} ${document.title}`;
  element('problem').focus();
}

/** U2, then U3. */
async function look(files: Blob[]): Promise<void> {
  if (!files.length) return;
  ending = new AbortController();
  show('looking', words.looking!);
  let drawn = 0;
  const found = await find(files, ending.signal, (so) => {
    if (performance.now() - drawn < 200) return;
    drawn = performance.now();
    element('looked').textContent = filled(words.read!, { read: so.read, found: so.pictures });
  });
  if (!found.studies.size) return complain(found.unread ? words.unread! : found.papers ? words.papers! : words.none!);
  await ask(found);
}

async function ask(found: Found): Promise<void> {
  const answer = await fetch('/upload/found', {
    method: 'POST', body: described(found), signal: ending.signal, redirect: 'manual',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': words.token! },
  });
  if (!answer.ok) return complain(answer.status >= 404 ? words.failed! : words.out!);
  const said = await answer.json() as { page: string; have: Record<string, string[]> };
  element('found').innerHTML = said.page;
  show('found', words.mine!);
  say(filled(words.read!, { read: found.read, found: found.pictures }));
  element('mine').addEventListener('submit', (event) => {
    event.preventDefault();
    const ticked = new FormData(event.target as HTMLFormElement).getAll('scan').map(String);
    if (!ticked.length) return problem(words.tick!);
    add(found, ticked, said.have).catch(stumble);
  });
}

/** U4, then U5. */
async function add(found: Found, ticked: string[], have: Record<string, string[]>): Promise<void> {
  ending = new AbortController();
  show('adding', words.adding!);
  const pictures: Picture[] = [];
  let before = 0;
  for (const uid of ticked) {
    const there = new Set(have[uid]);
    for (const picture of found.studies.get(uid)!.pictures.values()) {
      if (there.has(picture.uid)) before += 1;
      else pictures.push(picture);
    }
  }
  const draw = drawing(before, before + pictures.length);
  draw({ kept: 0, refused: 0 });
  const sent = await send(pictures, words.token!, ending.signal, {
    sent: (count) => {
      draw(count);
      element('line').textContent = '';
      window.dispatchEvent(new Event('pointermove')); // sending is being here: nobody is signed out meanwhile
    },
    dropped: () => { element('line').textContent = words.dropped!; say(words.dropped!); },
    again: () => say(words.again!),
  });
  if (!sent.kept && !before) return complain(words.none!);
  finish(ticked, sent);
}

/** Draws how far it is: a line and a bar at every step, spoken at each quarter. */
function drawing(before: number, all: number): (count: Sent) => void {
  const begun = performance.now();
  let quarter = -1;
  return ({ kept, refused }) => {
    const done = before + kept + refused;
    const share = all ? done / all : 1;
    let line = filled(words.sent!, { sent: done, all });
    const spent = (performance.now() - begun) / 60_000;
    const now = kept + refused;
    const left = now ? Math.round(spent * (all - done) / now) : 0;
    if (left >= 1 && spent > 10 / 60) line += ` ${filled(words.left!, { minutes: left })}`;
    element('sent').textContent = line;
    element<HTMLProgressElement>('bar').value = share;
    if (Math.floor(4 * share) > quarter) {
      quarter = Math.floor(4 * share);
      say(line);
    }
  };
}

function finish(ticked: string[], sent: Sent): void {
  finished = true;
  const form = element<HTMLFormElement>('finish');
  const told: [string, string][] = [...ticked.map((uid): [string, string] => ['scan', uid]), ['kept', String(sent.kept)], ['broken', String(sent.refused)]];
  for (const [name, value] of told) {
    form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
  }
  form.requestSubmit();
}

function stumble(error: unknown): void {
  if (error instanceof Ended) complain(words[error.reason]!);
  else if (!ending.signal.aborted) complain(words.failed!);
  else if (!element('adding').hidden) complain(words.stopped!);
}

const start = (files: Iterable<Blob>): void => { look([...files]).catch(stumble); };

for (const button of root.querySelectorAll<HTMLButtonElement>('[data-choose]')) {
  const box = element<HTMLInputElement>(button.dataset.choose!);
  button.hidden = box.id === 'folder' && !('webkitdirectory' in box);
  button.addEventListener('click', () => box.click());
  box.addEventListener('change', () => {
    start(box.files ?? []);
    box.value = '';
  });
}

root.addEventListener('click', (event) => {
  if (!(event.target as HTMLElement).closest('[data-cancel]')) return;
  const wasAdding = !element('adding').hidden;
  ending.abort();
  if (!wasAdding) show('choosing', first.heading);
});

/** Every file below what was dropped. */
async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return files;
    for (const one of some) files.push(...await filesBelow(one));
  }
}

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  if (element('choosing').hidden) return;
  const entries = [...event.dataTransfer?.items ?? []].map((item) => item.webkitGetAsEntry()).filter((one) => one !== null);
  Promise.all(entries.map(filesBelow)).then((files) => start(files.flat()), stumble);
});

window.addEventListener('beforeunload', (event) => {
  if (!element('adding').hidden && !finished) event.preventDefault();
});
