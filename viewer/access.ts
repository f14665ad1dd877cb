/** Watching whether we may still look, and clearing everything away when we may not. */

import { ask, isEnd, Refused } from './asking';
import { part, type Page } from './given';
import { words } from './words';

const EVERY_MILLISECONDS = 3000;

export class Access {
  private ended = false;
  private timer = 0;
  private readonly atEnd: (() => void)[] = [];

  constructor(private readonly page: Page) {
    if (!page.aliveUrl) return;
    this.timer = window.setInterval(() => void this.look(), EVERY_MILLISECONDS);
    // A tab in the background is looked after rarely by the browser, and one from its memory not at all.
    document.addEventListener('visibilitychange', () => void this.look());
    window.addEventListener('pageshow', (event) => void (event.persisted && this.look()));
  }

  /** `clear` is called once, before the sentence is shown. */
  onEnd(clear: () => void): void {
    this.atEnd.push(clear);
  }

  /** After this nothing of the patient is on the screen or in this page. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    window.clearInterval(this.timer);
    for (const clear of this.atEnd) clear();
    document.title = words.endedTitle;
    document.body.replaceChildren(this.notice());
    part('ended').focus();
  }

  private async look(): Promise<void> {
    if (this.ended) return;
    try {
      await ask(this.page.aliveUrl, '*/*');
    } catch (problem) {
      if (problem instanceof Refused && isEnd(problem.status)) this.end();
    }
  }

  private notice(): HTMLElement {
    const patient = this.page.toolbar === 'patient';
    const main = document.createElement('main');
    main.className = 'v-ended';
    const heading = document.createElement('h1');
    heading.id = 'ended';
    heading.tabIndex = -1;
    heading.textContent = words.endedTitle;
    const sentence = document.createElement('p');
    sentence.setAttribute('role', 'alert');
    sentence.textContent = patient ? words.keyLocked : words.sharingEnded;
    main.append(heading, sentence);
    if (this.page.endedUrl) {
      const link = document.createElement('a');
      link.href = this.page.endedUrl;
      link.textContent = patient ? words.signIn : words.goOn;
      main.append(link);
    }
    return main;
  }
}
