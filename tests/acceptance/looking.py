"""What is looked at on every page, in one go: each name below is a row, and what it holds are its faults."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path("node_modules/axe-core/axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What axe cannot decide by itself and a person has looked at: colours behind pictures and over gradients, and text that
# is hidden for eyes.
LOOKED_AT = {"color-contrast", "aria-hidden-focus", "duplicate-id-aria", "identical-links-same-purpose", "bypass"}

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

LOOK = """() => {
  const seen = (one) => one.checkVisibility() && !one.closest('.nhsuk-u-visually-hidden, .nhsuk-skip-link');
  const named = (one) => (one.outerHTML || '').slice(0, 110);
  const all = (what) => [...document.querySelectorAll(what)];
  const controls = all('a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]').filter(seen);
  const box = (one) => {
    const label = one.matches('[type=radio], [type=checkbox]') && one.labels[0];
    const own = one.getBoundingClientRect();
    if (!label) return own;
    const other = label.getBoundingClientRect();
    return { width: Math.max(own.width, other.width), height: Math.max(own.height, other.height) };
  };
  // A link in a line of text is as high as its line, which axe measures with the room around it.
  const inText = (one) => one.matches('a') && getComputedStyle(one).display === 'inline';
  const clipped = (one) => one.scrollHeight > one.clientHeight + 2 || one.scrollWidth > one.clientWidth + 2;
  const names = all('.nhsuk-button--warning, form button[type=submit]').filter(seen).map((one) => one.textContent.replace(/\\s+/g, ' ').trim()).filter((name) => /^Stop sharing/.test(name));
  const h1 = all('h1');
  const levels = all('h1, h2, h3, h4, h5, h6').filter(seen).map((one) => Number(one.tagName[1]));
  const loud = all('[role=alert], [aria-live=assertive]').filter((one) => !one.closest('#time-out, .nhsuk-error-summary, template'));
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    small: controls.filter((one) => !inText(one)).filter((one) => { const { width, height } = box(one); return width < 24 || height < 24; }).map(named),
    smallPrimary: all('.nhsuk-button:not(.nhsuk-button--small)').filter(seen).filter((one) => one.getBoundingClientRect().height < 44).map(named),
    clipped: all('.nhsuk-button, .kr-chip, h1, h2, label').filter(seen).filter(clipped).map(named),
    tabindex: all('[tabindex]').filter((one) => one.tabIndex > 0).map(named),
    sameName: names.filter((name, at) => names.indexOf(name) !== at),
    icons: all('svg').filter((one) => !one.closest('[aria-hidden=true]') && one.getAttribute('role') !== 'img').map(named),
    codes: all('.kr-code__value').filter((one) => !one.querySelector('.nhsuk-u-visually-hidden')).map(named),
    h1: h1.length,
    title: document.title,
    heading: h1.map((one) => one.textContent.trim()).join(),
    skipped: levels.filter((level, at) => at && level > levels[at - 1] + 1),
    loud: loud.map(named),
    lang: document.documentElement.lang,
    viewport: document.querySelector('meta[name=viewport]').content,
    images: all('img').filter((one) => !one.hasAttribute('alt')).map(named),
    thumbnails: all('img[src$="/thumbnail"]').filter((one) => !/^Picture from .+/.test(one.alt)).map(named),
    moving: document.getAnimations().length,
    foreign: performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith(location.origin) && !name.startsWith('data:')),
    kept: [localStorage.length, sessionStorage.length, document.cookie],
    boxes: all('input:not([type=hidden], [type=radio], [type=checkbox])').map((one) => [one.name, one.type, one.autocomplete, one.inputMode]),
  };
}"""

# The values of WCAG 1.4.12, as a reader's own style sheet.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }');
  document.adoptedStyleSheets = [sheet];
}"""
BARE = "() => { document.adoptedStyleSheets = []; }"


def found_by_axe(page: Page) -> tuple[list[str], list[str]]:
    """Violations, and what axe is not sure about."""
    page.evaluate(AXE.read_text() + ";0")
    run = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations', 'incomplete']})", RULES
    )
    told = lambda ones: [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in ones]  # noqa: E731
    return told(run["violations"]), [one["id"] for one in run["incomplete"]]
