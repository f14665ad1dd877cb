// The reader of health links. The link stays behind the # of the address and in this page: the server is asked for
// files, and is told who reads them and the number, but never gets the key that opens them.
import { decrypted, fetched, readLink, type HealthLink, type LinkFiles, Refused } from './link-files';
import { draw } from './link-drawing';

const root = document.getElementById('link') as HTMLElement;
const said = root.dataset as Record<string, string>;
const form = document.getElementById('ask') as HTMLFormElement;
const status = document.getElementById('status') as HTMLElement;
const problem = document.getElementById('problem') as HTMLElement;
const recipient = document.getElementById('recipient') as HTMLInputElement;
const number = document.getElementById('number') as HTMLInputElement;
const title = document.title;

/** Say what went wrong, and take the reader to it. */
function complain(words: string): void {
  status.textContent = '';
  (document.getElementById('problem-words') as HTMLElement).textContent = words;
  problem.hidden = false;
  document.title = `${said.prefix} ${title}`;
  problem.focus();
}

function calm(): void {
  problem.hidden = true;
  document.title = title;
}

/** The sentence for what the server said no to. */
function sentence(refused: Refused): string {
  switch (refused.reason) {
    case 'ended': return said.ended!;
    case 'wait': return said.wait!;
    case 'damaged': return said.damaged!;
    case 'number': return refused.left ? said.wrong!.replace('{count}', String(refused.left)) : said.last!;
    default: return said.offline!;
  }
}

/** What the boxes lack, or nothing. */
function missing(link: HealthLink): string {
  if (!recipient.value.trim()) return said.noName!;
  return link.flags.includes('P') && !number.value.trim() ? said.noNumber! : '';
}

async function open(link: HealthLink): Promise<void> {
  calm();
  const lacking = missing(link);
  if (lacking) return complain(lacking);
  status.textContent = said.getting!;
  try {
    const files: LinkFiles = await decrypted(link, await fetched(link, recipient.value, number.value.replace(/\s/g, '')));
    form.hidden = true;
    status.textContent = '';
    draw(files, said, document.getElementById('shown') as HTMLElement);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused('offline');
    if (refused.reason === 'ended' || (refused.reason === 'number' && !refused.left)) form.hidden = true;
    complain(sentence(refused));
  }
}

function begin(): void {
  calm();
  form.hidden = true;
  document.getElementById('shown')!.replaceChildren();
  if (!location.hash.includes('shlink:/')) return complain(said.noLink!);
  const link = readLink(location.hash);
  if (!link) return complain(said.broken!);
  if (new URL(link.url).origin !== new URL(said.origin!).origin) return complain(said.elsewhere!);
  const label = document.getElementById('label') as HTMLElement;
  label.textContent = link.label;
  label.hidden = !link.label;
  (document.getElementById('number-box') as HTMLElement).hidden = !link.flags.includes('P');
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    void open(link);
  };
}

window.addEventListener('hashchange', begin);
begin();
