// What pages do beyond HTML. Every page works without it; nothing here is kept in the browser.
import { Button, ErrorSummary, PasswordInput, SkipLink, createAll } from 'nhsuk-frontend';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const WARNING_MINUTES = 2;

document.body.classList.add('js-enabled', 'nhsuk-frontend-supported');
for (const component of [Button, ErrorSummary, PasswordInput, SkipLink]) createAll(component);

/** What a printed code means, however it was typed: without spaces and dashes, and with the letters codes never hold. */
function normalised(typed) {
  const code = typed.includes('#') ? typed.slice(typed.lastIndexOf('#') + 1) : typed;
  return code.toUpperCase().replace(/[\s\-–—.,]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

/** Multiply by x in GF(32), polynomial x^5 + x^2 + 1 (docs/format.md 4.2). */
const timesX = (value) => ((value << 1) ^ (value & 16 ? 37 : 0)) & 31;

/** The check symbol of PINs and share codes: the sum of v[i] times x^(i+1) over all symbols but the last. */
function isWellTyped(code) {
  const values = [...code].map((letter) => ALPHABET.indexOf(letter));
  if (values.includes(-1)) return false;
  const check = values.pop();
  const sum = values.reduceRight((rest, value) => timesX(rest ^ value), 0);
  return sum === check;
}

/** Codes in groups of four, as they are printed. */
const grouped = (code) => code.replace(/(.{4})(?=.)/g, '$1 ');

/** Take a code from behind the # into its box, and out of the address bar and the history. */
function takeFromAddress(box) {
  const code = normalised(decodeURIComponent(location.hash.slice(1)));
  if (code.length !== Number(box.dataset.code)) return;
  history.replaceState(null, '', location.pathname + location.search);
  box.value = grouped(code);
}

/** On leaving the box: group what was typed and say it letter by letter. Nothing jumps while typing. */
function tidy(box) {
  const code = normalised(box.value);
  if (!code) return;
  box.value = grouped(code);
  const spelled = box.closest('.nhsuk-form-group').querySelector('[data-code-spelled]');
  if (spelled) spelled.textContent = grouped(code).split(' ').map((group) => [...group].join(' ')).join(', ');
}

/** The sentence that names a slip of the fingers, or nothing; a try is used only by what reads well. */
function mistakeIn(box) {
  const code = normalised(box.value);
  const { code: length, empty, short, mistyped } = box.dataset;
  if (!code) return empty;
  if (code.length !== Number(length)) return short?.replace('{count}', code.length);
  return isWellTyped(code) ? undefined : mistyped;
}

/** Draw the same summary and message that the server would, and go to the summary. */
function refuse(box, sentence) {
  const group = box.closest('.nhsuk-form-group');
  group.classList.add('nhsuk-form-group--error');
  box.classList.add('nhsuk-input--error');
  let message = document.getElementById(`${box.id}-error`);
  if (!message) {
    message = Object.assign(document.createElement('span'), { className: 'nhsuk-error-message', id: `${box.id}-error` });
    box.before(message);
    box.setAttribute('aria-describedby', `${box.getAttribute('aria-describedby') ?? ''} ${message.id}`.trim());
  }
  message.textContent = sentence;
  const summary = document.getElementById('mistyped').content.firstElementChild.cloneNode(true);
  const link = summary.querySelector('a');
  link.textContent = sentence;
  link.href = `#${box.id}`;
  link.addEventListener('click', (event) => { event.preventDefault(); box.focus(); });
  document.querySelector('.nhsuk-error-summary')?.remove();
  document.querySelector('main h1').before(summary);
  if (!document.title.startsWith(summary.dataset.prefix)) document.title = `${summary.dataset.prefix} ${document.title}`;
  summary.focus();
}

for (const box of document.querySelectorAll('input[data-code]')) {
  if (location.hash.length > 1) takeFromAddress(box);
  box.addEventListener('blur', () => tidy(box));
  if (!box.dataset.mistyped) continue;
  // On the way down to the button (Enter presses it too), so that its double-press guard counts no refused press.
  box.form.addEventListener('click', (event) => {
    if (!event.target.closest('[type=submit]')) return;
    const sentence = mistakeIn(box);
    if (!sentence) return;
    event.preventDefault();
    event.stopPropagation();
    refuse(box, sentence);
  }, true);
}

/** Say that the answer is on its way when it takes longer than a blink; a file leaves us on the page, so it ends. */
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    const line = document.createElement('p');
    line.setAttribute('role', 'status');
    line.className = 'kr-waiting';
    form.append(line);
    const { waiting, stillWaiting } = document.body.dataset;
    setTimeout(() => { line.textContent = waiting; }, 300);
    if (stillWaiting) setTimeout(() => { line.textContent = stillWaiting; }, 2_500);
    setTimeout(() => line.remove(), 20_000);
  });
}
window.addEventListener('pageshow', () => {
  for (const line of document.querySelectorAll('.kr-waiting')) line.remove();
});

/** Where a word first stands in the report: its text node and place, or nothing. */
function placeOf(word) {
  const pattern = new RegExp(`(?<![\\w-])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ /g, '\\s+')}(?![\\w-])`, 'i');
  for (const paragraph of document.querySelectorAll('.kr-report')) {
    const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const found = pattern.exec(texts.currentNode.data);
      if (found && !texts.currentNode.parentElement.closest('a, .kr-term, .kr-meaning')) return { text: texts.currentNode, found };
    }
  }
}

/** The word becomes a button; its meaning follows it in the text and goes again with Escape. */
function explain(word, told, number) {
  const place = placeOf(word);
  if (!place) return;
  const begin = place.text.splitText(place.found.index);
  begin.splitText(place.found[0].length);
  const meaning = Object.assign(document.createElement('span'), { className: 'kr-meaning', id: `meaning-${number}`, lang: document.querySelector('[data-words]').lang, textContent: ` (${told})` });
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'kr-term', textContent: begin.data });
  const set = (open) => {
    meaning.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
  };
  button.setAttribute('aria-controls', meaning.id);
  set(false);
  button.addEventListener('click', () => set(meaning.hidden));
  button.addEventListener('keydown', (event) => { if (event.key === 'Escape') set(false); });
  begin.replaceWith(button, meaning);
}

document.querySelectorAll('[data-words] dt').forEach((word, number) => {
  explain(word.textContent, word.nextElementSibling.textContent, number);
  for (const hint of document.querySelectorAll('[data-words-hint]')) hint.hidden = false;
});

// The parts of a report fold on a phone, but for the first; where there is room, and on paper, all of them stand open.
const parts = [...document.querySelectorAll('.kr-part')];
if (parts.length) {
  const wide = matchMedia('(min-width: 48rem)');
  const fold = () => parts.forEach((part, number) => { part.open = wide.matches || number === 0; });
  wide.addEventListener('change', fold);
  window.addEventListener('beforeprint', () => parts.forEach((part) => { part.open = true; }));
  window.addEventListener('afterprint', fold);
  fold();
}

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => window.print());
}

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const told = button.parentElement.querySelector('[data-copied]');
    if (told) told.textContent = told.dataset.copied;
  });
}

// What the device itself can send with: messages, mail, whatever is installed.
for (const button of document.querySelectorAll('[data-hand-on]')) {
  if (!navigator.share) continue;
  button.hidden = false;
  button.addEventListener('click', () => navigator.share({ url: button.dataset.handOn }).catch(() => {}));
}

const offline = document.querySelector('[data-offline]');
if (offline) {
  const show = () => { offline.hidden = navigator.onLine; };
  window.addEventListener('online', show);
  window.addEventListener('offline', show);
  show();
}

// A code that a camera should read: the screen stays on while the page is looked at.
if (document.querySelector('[data-awake]') && 'wakeLock' in navigator) {
  const stayOn = () => { if (!document.hidden) navigator.wakeLock.request('screen').catch(() => {}); };
  document.addEventListener('visibilitychange', stayOn);
  stayOn();
}

// The Back button must not bring back what was on the screen before signing out.
window.addEventListener('pageshow', (event) => {
  if (event.persisted && document.body.dataset.area !== 'public') location.reload();
});

// Nothing of a visit stays behind in the browser: what scripts noted for the tab goes when nobody is signed in.
if (!document.body.dataset.idleMinutes) sessionStorage.clear();

/** Every box of the page that somebody may have typed in or ticked; no password, no code, no file. */
const boxesToKeep = () => [...document.querySelectorAll('main form :is(input, textarea, select)')].filter((box) => box.name
  && !['hidden', 'password', 'file'].includes(box.type) && !box.dataset.code && box.autocomplete !== 'one-time-code');

const isTick = (box) => box.type === 'radio' || box.type === 'checkbox';

/** What was typed here and not sent, as names, choices and values; where a mistake is told, all that stands there. */
function typedHere() {
  const sent = document.querySelector('.nhsuk-error-summary');
  const isTyped = (box) => {
    if (isTick(box)) return sent || box.checked !== box.defaultChecked;
    if (box.options) return sent || [...box.options].some((one) => one.selected !== one.defaultSelected);
    return box.value !== (sent ? '' : box.defaultValue);
  };
  return boxesToKeep().filter(isTyped).map((box) => (isTick(box) ? [box.name, box.value, box.checked] : [box.name, null, box.value]));
}

function typeAgain(kept) {
  for (const [name, choice, value] of kept) {
    const box = boxesToKeep().find((one) => one.name === name && (choice === null || one.value === choice));
    if (box) box[isTick(box) ? 'checked' : 'value'] = value;
  }
}

/** Warn two quiet minutes before the end; looking, scrolling and typing count as being there, in any tab. */
function watchOverTime(dialog, minutes) {
  const { area } = document.body.dataset;
  const page = location.pathname + location.search;
  const tabs = new BroadcastChannel(`here-${area}`);
  let last = Date.now();
  let warned = false;
  let told = Date.now();
  let passedOn = 0;
  const ask = (address, more) => fetch(address, {
    method: 'POST',
    body: new URLSearchParams({ csrf_token: dialog.querySelector('[name=csrf_token]').value, area, ...more }),
    signal: AbortSignal.timeout(10_000),
  });
  /** To the door of the area, with the page to come back to where one can. */
  const goOut = (part = '') => {
    const { after } = dialog.dataset;
    location.assign(after.endsWith('=') ? after + encodeURIComponent(page + part) : after);
  };
  const leave = async () => {
    clearInterval(watch);
    const typed = typedHere();
    await ask('/away', { page, typed: typed.length ? JSON.stringify(typed) : '' }).catch(() => {});
    goOut(typed.length ? '#typed' : '');
  };
  const stay = async () => {
    told = Date.now();
    const answer = await ask('/stay').catch(() => {});
    if (answer && !answer.ok) goOut();
  };
  const here = () => { if (!dialog.open) last = Date.now(); };
  for (const sign of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchmove']) {
    window.addEventListener(sign, here, { passive: true });
  }
  const goOn = () => {
    if (dialog.open) dialog.close();
    last = Date.now();
    warned = false;
  };
  const answerThatWeAreHere = () => {
    goOn();
    stay();
  };
  dialog.querySelector('[data-stay-button]').addEventListener('click', answerThatWeAreHere);
  dialog.addEventListener('cancel', (event) => { event.preventDefault(); answerThatWeAreHere(); });
  tabs.addEventListener('message', () => {
    goOn();
    passedOn = last;
  });
  const quiet = (minutes - WARNING_MINUTES) * 60_000;
  const watch = setInterval(() => {
    const now = Date.now();
    if (last > passedOn) tabs.postMessage('here');
    passedOn = last;
    if (now - last >= minutes * 60_000) {
      leave();
    } else if (!warned && now - last >= quiet) {
      warned = true;
      dialog.showModal();
      dialog.querySelector('h2').focus();
    } else if (!warned && last > told && now - told >= quiet / 2) {
      stay();
    }
  }, 5_000);
  if (location.hash !== '#typed') return;
  history.replaceState(null, '', page);
  ask('/away/typed', { page }).then((answer) => answer.json()).then(typeAgain).catch(() => {});
}

const dialog = document.getElementById('time-out');
const minutes = Number(document.body.dataset.idleMinutes);
if (dialog && minutes > WARNING_MINUTES) watchOverTime(dialog, minutes);

document.body.dataset.ready = '1';
