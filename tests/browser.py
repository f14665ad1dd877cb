"""A browser without a screen: it keeps cookies, follows links within the house, and sends forms as they stand on pages."""

import itertools
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

FORM = "application/x-www-form-urlencoded"
_addresses = itertools.count(1)


@dataclass
class Field:
    """One box, choice or hidden value of a form."""

    name: str
    kind: str
    value: str
    ticked: bool = False


@dataclass
class Form:
    """A form as it stands on a page."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def has(self, names: set[str], button: str | None) -> bool:
        known = {one.name for one in self.fields} | {name for _, name, _ in self.buttons}
        return names <= known and (button is None or any(text == button for text, _, _ in self.buttons))

    def filled(self, typed: dict[str, str | list[str]], button: str | None) -> list[tuple[str, str]]:
        """What a browser would send after these were typed, ticked or picked, and this button pressed."""
        sent: list[tuple[str, str]] = []
        for one in self.fields:
            given = typed.get(one.name)
            if one.kind in {"checkbox", "radio"}:
                wanted = [given] if isinstance(given, str) else given
                if one.value in wanted if wanted is not None else one.ticked:
                    sent.append((one.name, one.value))
            else:
                sent.append((one.name, one.value if given is None else str(given)))
        offered = {one.value for one in self.fields if one.kind in {"checkbox", "radio"}}
        for name, given in typed.items():
            if any(one.name == name and one.kind in {"checkbox", "radio"} for one in self.fields):
                picked = [given] if isinstance(given, str) else given
                assert set(picked) <= offered, f"{picked} is not offered among {offered}"
        pressed = next((one for one in self.buttons if button in {None, one[0]}), None)
        if pressed and pressed[1]:
            sent.append(pressed[1:])
        return sent


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.title = self.heading = ""
        self._open: list[str] = []
        self._catching: dict[str, list[str]] = {}
        self._link = self._button = None
        self._hidden = 0

    def handle_starttag(self, tag, attrs):
        named = {name: value or "" for name, value in attrs}
        if tag in {"script", "style", "template"}:
            self._hidden += 1
        if tag == "form":
            self.forms.append(Form(named.get("action", ""), named.get("method", "get").lower()))
        if tag in {"input", "textarea"} and self.forms and named.get("name"):
            one = Field(named["name"], named.get("type", "text"), named.get("value", ""), "checked" in named)
            self.forms[-1].fields.append(one)
        if tag == "button":
            self._button = (named.get("name", ""), named.get("value", ""))
            self._catching["button"] = []
        if tag == "a" and "href" in named:
            self._link = named["href"]
            self._catching["a"] = []
        if tag in {"title", "h1"}:
            self._catching[tag] = []

    def handle_endtag(self, tag):
        if tag in {"script", "style", "template"}:
            self._hidden -= 1
        caught = " ".join("".join(self._catching.pop(tag, [])).split())
        if tag == "title":
            self.title = caught
        if tag == "h1":
            self.heading = caught
        if tag == "a" and self._link is not None:
            self.links.append((caught, self._link))
            self._link = None
        if tag == "button" and self._button is not None:
            if self.forms:
                self.forms[-1].buttons.append((caught, *self._button))
            self._button = None

    def handle_data(self, data):
        for words in self._catching.values():
            words.append(data)
        if not self._hidden:
            self.words.append(data)


class Page:
    """An answer, read as a person reads it."""

    def __init__(self, browser: "Browser", answer: requests.Response) -> None:
        self.browser, self.answer = browser, answer
        self.status = answer.status_code
        self.path = urlsplit(answer.url).path
        read = _Reader()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            read.feed(answer.text)
        self.forms, self.links = read.forms, read.links
        self.title, self.heading = read.title, read.heading
        self.words = " ".join("".join(read.words).split())

    def __repr__(self) -> str:
        return f"<{self.status} {self.path} “{self.heading}” {self.words[:1500]}>"

    def says(self, words: str) -> bool:
        return words in self.words

    def send(self, button: str | None = None, **typed: str | list[str]) -> "Page":
        """Fill in the form that has these boxes (`born_day` is born-day) and press its button."""
        named = {name.replace("_", "-"): value for name, value in typed.items()}
        fitting = [one for one in self.forms if one.has(set(named), button)]
        assert fitting, f"no form with {set(named)} and {button!r} on {self!r}"
        form = fitting[0] if named or button else fitting[-1]
        return self.browser.open(
            form.action or self.path, method=form.method.upper(), data=form.filled(named, button), source=self.path
        )

    def follow(self, words: str) -> "Page":
        """Press the link that reads so."""
        found = [href for text, href in self.links if words in text]
        assert found, f"no link {words!r} on {self!r}"
        return self.browser.open(found[0])


class Browser:
    """One browser profile somewhere on the internet, with an address of its own."""

    def __init__(self, house) -> None:
        self.house = house
        self.http = house.session()
        self.http.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        number = next(_addresses)
        self.address = f"10.{number >> 8 & 255}.{number & 255}.7"
        self.http.headers["X-Forwarded-For"] = self.address

    def open(self, path: str, *, method: str = "GET", data=None, source: str = "", **headers: str) -> Page:
        """The page behind an address, redirects followed as long as they stay in the house."""
        answer = self.ask(method, path, data=data, **headers)
        for _ in range(12):
            target = answer.headers.get("Location")
            if answer.status_code not in {301, 302, 303, 307, 308} or target is None:
                break
            address = urljoin(answer.url, target)
            if not address.startswith(self.house.base_url + "/"):
                break
            answer = self.ask("GET", address, **headers)
        return Page(self, answer)

    def ask(self, method: str, path: str, **more) -> requests.Response:
        """One request, nothing followed."""
        headers = {name.replace("_", "-"): more.pop(name) for name in list(more) if name[0].isupper()}
        return self.http.request(
            method, urljoin(self.house.base_url + "/", path), headers=headers, allow_redirects=False, timeout=60, **more
        )

    def cookies(self) -> list[str]:
        """The values of the cookies it holds."""
        return [one.value for one in self.http.cookies]

    def close(self) -> None:
        self.http.close()
