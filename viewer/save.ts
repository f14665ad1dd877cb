// Saving a large copy: written to the device piece by piece while the page shows how far it is, and carried on where it
// was after a drop (RFC 9110 14). Where the browser has no such files, the links stay links and this does nothing.

type Picker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>;
const pick = (window as unknown as { showSaveFilePicker?: Picker }).showSaveFilePicker;

const TRIES = 6;
const WAITS = [1, 2, 4, 8, 15]; // seconds between tries; each piece that arrives begins them anew

const section = document.getElementById('saving')!;
const words = section?.dataset ?? {};
const part = <Kind extends HTMLElement>(name: string): Kind => section.querySelector<Kind>(`[data-part="${name}"]`)!;
const show = (name: string, visible: boolean): void => { part(name).hidden = !visible; };
const filled = (sentence: string, values: Record<string, string>): string =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), sentence);

/** "118 MB", "1.2 GB", as the page's language writes it. */
function size(octets: number): string {
  const [unit, each, digits] = octets >= 1e9 ? ['GB', 1e9, 1] : octets >= 1e6 ? ['MB', 1e6, 0] : ['KB', 1e3, 0];
  return `${new Intl.NumberFormat(words.language, { maximumFractionDigits: Number(digits) }).format(octets / Number(each))} ${unit}`;
}

/** The answer that stands for something else than a drop: no second try helps. */
class Refused extends Error {}

class Saving {
  private readonly ending = new AbortController();
  private at = 0;
  private all = 0;
  private mark = '';
  private quarter = 0;
  private readonly begun = performance.now();

  constructor(private readonly address: string, private readonly file: FileSystemWritableFileStream) {}

  /** Until it is saved, cancelled, or nothing helps; may be called again to carry on. */
  async run(): Promise<void> {
    this.draw('');
    for (let tries = 0; tries < TRIES; tries += 1) {
      const before = this.at;
      try {
        if (!this.all || this.at < this.all) await this.fetch(); // all may have come before the file could be closed
        await this.file.close();
        return done();
      } catch (problem) {
        if (this.ending.signal.aborted) return;
        if (problem instanceof Refused || (problem as Error).name === 'QuotaExceededError') return this.giveUp(problem as Error);
        if (this.at > before) tries = 0;
        this.draw(words.dropped!);
        say(words.dropped!);
        await new Promise((go) => { setTimeout(go, 1000 * WAITS[Math.min(tries, WAITS.length - 1)]!); });
        if (this.ending.signal.aborted) return;
      }
    }
    this.stop();
  }

  async cancel(): Promise<void> {
    this.ending.abort();
    await this.file.abort();
  }

  private async fetch(): Promise<void> {
    const headers: Record<string, string> = this.at ? { Range: `bytes=${this.at}-`, 'If-Range': this.mark } : {};
    const reply = await fetch(this.address, { headers, signal: this.ending.signal });
    if (reply.redirected) location.assign(reply.url); // they must show who they are first
    if (reply.redirected || (reply.status >= 400 && reply.status < 500 && reply.status !== 429)) throw new Refused();
    if (!reply.ok || !reply.body) throw new Error('not now');
    if (reply.status !== 206) await this.begin();
    this.mark = reply.headers.get('ETag') ?? '';
    this.all = this.at + Number(reply.headers.get('Content-Length'));
    for (const reader = reply.body.getReader(); ;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      await this.file.write(value);
      this.at += value.length;
      this.draw('');
      window.dispatchEvent(new Event('pointermove')); // saving is being here: nobody is signed out meanwhile
    }
    if (this.at < this.all) throw new Error('broken off');
  }

  /** From the first octet: also where what is on the server has become something else meanwhile. */
  private async begin(): Promise<void> {
    await this.file.truncate(0);
    await this.file.seek(0);
    this.at = 0;
  }

  private draw(line: string): void {
    const share = this.all ? this.at / this.all : 0;
    const seconds = (performance.now() - this.begun) / 1000;
    const minutes = share ? Math.round(seconds * (1 / share - 1) / 60) : 0;
    let text = this.all ? filled(words.doneOf!, { done: size(this.at), all: size(this.all) }) : '';
    if (seconds > 5 && minutes >= 1) text += ` ${minutes === 1 ? words.minute! : filled(words.minutes!, { minutes: String(minutes) })}`;
    document.getElementById('saving-sent')!.textContent = text;
    section.querySelector('progress')!.value = share;
    part('line').textContent = line;
    if (Math.floor(share * 4) > this.quarter) {
      this.quarter = Math.floor(share * 4);
      say(text);
    }
  }

  private stop(): void {
    const percent = new Intl.NumberFormat(words.language, { style: 'percent' }).format(this.all ? this.at / this.all : 0);
    headed(filled(words.stopped!, { percent }));
    show('carry-on', true);
    show('keep-open', false);
    part('line').textContent = '';
  }

  private giveUp(problem: Error): void {
    void this.cancel();
    const full = problem.name === 'QuotaExceededError';
    ended(full ? filled(words.full!, { all: size(this.all) }) : words.failed!);
  }
}

const say = (text: string): void => { part('spoken').textContent = text; };

function headed(text: string): void {
  const title = document.getElementById('saving-title')!;
  title.textContent = text;
  title.focus();
}

/** Nothing goes on any more; it can be begun anew. */
function ended(text: string): void {
  now = undefined;
  headed(text);
  for (const name of ['progress', 'line', 'keep-open', 'carry-on', 'cancel']) show(name, false);
  show('again', true);
}

function done(): void {
  ended(words.saved!);
}

let now: Saving | undefined;
let last: HTMLAnchorElement | undefined;

async function save(link: HTMLAnchorElement): Promise<void> {
  let handle: FileSystemFileHandle;
  try {
    handle = await pick!({ suggestedName: link.dataset.save! });
  } catch {
    return; // they chose no place
  }
  last = link;
  now = new Saving(link.href, await handle.createWritable());
  section.hidden = false;
  for (const name of ['progress', 'line', 'keep-open', 'cancel']) show(name, true);
  for (const name of ['carry-on', 'again']) show(name, false);
  headed(words.getting!);
  await now.run();
}

function carryOn(): void {
  show('carry-on', false);
  show('keep-open', true);
  headed(words.getting!);
  void now?.run();
}

if (pick && section) {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-save]')) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      if (!now) void save(link);
      else document.getElementById('saving-title')!.focus();
    });
  }
  part('again').addEventListener('click', () => { if (last) void save(last); });
  part('carry-on').addEventListener('click', carryOn);
  part('cancel').addEventListener('click', () => {
    void now?.cancel();
    ended(words.cancelled!);
  });
  window.addEventListener('beforeunload', (event) => { if (now) event.preventDefault(); });
}
