/** What the viewer says, in the language of the page. Nothing else in viewer/ holds text for people. */

import { english, type Words } from './words-en';

const isSpanish = document.documentElement.lang.toLowerCase().startsWith('es');

export const words: Words = isSpanish ? (await import('./words-es')).spanish : english;
