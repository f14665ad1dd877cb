"""The sentences of the PIN slip, in the languages a front desk can pick; English stands below each other one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlipWords:
    """What is printed on a slip. {name}, {year}, {day} and {phone} are filled in."""

    title: str
    scan: str
    for_whom: str
    camera: str
    qr_alt: str
    or_go: str
    and_type: str
    and_type_pin: str
    birth: str
    look: str
    until: str
    free: str
    private: str
    help: str


ENGLISH = SlipWords(
    title="Your pictures are ready to keep",
    scan="Scan",
    for_whom="For: {name}, born {year}.",
    camera="Point your phone camera here.",
    qr_alt="QR code that opens the page to add your scan, with your PIN",
    or_go="Or go to",
    and_type="and type:",
    and_type_pin="and type the PIN on this slip.",
    birth="Type your date of birth.",
    look="Look, keep and share.",
    until="Good until {day}.",
    free="It is free.",
    private="Keep this slip private, like a bank card.",
    help="Need help, or a disc instead? Call {phone}.",
)

WORDS = {
    "en": ENGLISH,
    "es": SlipWords(
        title="Sus imágenes están listas",
        scan="Estudio",
        for_whom="Para: {name}, nacimiento {year}.",
        camera="Apunte aquí con la cámara de su teléfono.",
        qr_alt="Código QR que abre la página para añadir su estudio, con su PIN",
        or_go="O vaya a",
        and_type="y escriba:",
        and_type_pin="y escriba el PIN de este papel.",
        birth="Escriba su fecha de nacimiento.",
        look="Mire, guarde y comparta.",
        until="Válido hasta el {day}.",
        free="Es gratis.",
        private="Guarde este papel en privado, como una tarjeta bancaria.",
        help="¿Necesita ayuda o prefiere un disco? Llame al {phone}.",
    ),
    "de": SlipWords(
        title="Ihre Bilder sind bereit",
        scan="Aufnahme",
        for_whom="Für: {name}, geboren {year}.",
        camera="Halten Sie die Kamera Ihres Telefons hierhin.",
        qr_alt="QR-Code, der die Seite zum Hinzufügen Ihrer Aufnahme mit Ihrer PIN öffnet",
        or_go="Oder öffnen Sie",
        and_type="und tippen Sie:",
        and_type_pin="und tippen Sie die PIN von diesem Zettel ein.",
        birth="Geben Sie Ihr Geburtsdatum ein.",
        look="Ansehen, behalten und teilen.",
        until="Gültig bis {day}.",
        free="Es kostet nichts.",
        private="Bewahren Sie diesen Zettel sicher auf, wie eine Bankkarte.",
        help="Brauchen Sie Hilfe oder lieber eine CD? Rufen Sie an: {phone}.",
    ),
    "fr": SlipWords(
        title="Vos images sont prêtes",
        scan="Examen",
        for_whom="Pour : {name}, naissance {year}.",
        camera="Visez ici avec l'appareil photo de votre téléphone.",
        qr_alt="Code QR qui ouvre la page pour ajouter votre examen, avec votre PIN",
        or_go="Ou allez sur",
        and_type="et tapez :",
        and_type_pin="et tapez le code PIN de ce papier.",
        birth="Tapez votre date de naissance.",
        look="Regardez, gardez et partagez.",
        until="Valable jusqu'au {day}.",
        free="C'est gratuit.",
        private="Gardez ce papier pour vous, comme une carte bancaire.",
        help="Besoin d'aide, ou plutôt d'un disque ? Appelez le {phone}.",
    ),
}
