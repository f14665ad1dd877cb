"""What a scan is called in Spanish: "Resonancia magnética de la rodilla derecha".

Spanish turns the words around and bends the side to the noun, so that a sentence put together from translated words
would be wrong; the kinds and parts are those of `phr.words`.
"""

from __future__ import annotations

KIND_OF = {
    "Scan": "Estudio", "X-ray": "Radiografía", "CT": "Tomografía (TC)", "MRI": "Resonancia magnética",
    "Ultrasound": "Ecografía", "Mammogram": "Mamografía", "Nuclear medicine scan": "Gammagrafía",
    "PET scan": "Tomografía PET", "PET and CT": "PET y TC", "PET and MRI": "PET y resonancia magnética",
    "X-ray of blood vessels": "Radiografía de vasos sanguíneos", "X-ray video": "Radiografía en vídeo",
    "Ultrasound inside a vessel": "Ecografía dentro de un vaso", "Light scan": "Tomografía de luz",
    "Eye scan": "Tomografía del ojo", "Eye photo": "Foto del ojo", "Eye test": "Prueba de la vista",
    "Dental X-ray": "Radiografía dental", "Bone density scan": "Densitometría ósea", "Endoscopy": "Endoscopia",
    "Photo": "Foto", "Microscope pictures": "Imágenes de microscopio", "Heart tracing": "Registro del corazón",
    "Heat picture": "Imagen térmica",
}  # fmt: skip
# Each with its article, which shows gender and number.
PART_OF = {
    "belly": "el abdomen", "belly and pelvis": "el abdomen y la pelvis", "adrenal gland": "la glándula suprarrenal",
    "ankle": "el tobillo", "aorta": "la aorta", "arm": "el brazo", "armpit": "la axila", "back": "la espalda",
    "bladder": "la vejiga", "brain": "el cerebro", "breast": "la mama", "heel": "el talón", "heart": "el corazón",
    "neck arteries": "las arterias del cuello", "cervix": "el cuello del útero", "chest": "el tórax",
    "chest and belly": "el tórax y el abdomen", "chest, belly and pelvis": "el tórax, el abdomen y la pelvis",
    "collarbone": "la clavícula", "tailbone": "el cóccix", "bowel": "el intestino", "neck": "el cuello",
    "neck and upper back": "el cuello y la parte alta de la espalda", "ear": "el oído", "elbow": "el codo",
    "gullet": "el esófago", "limb": "la extremidad", "eye": "el ojo", "face": "la cara", "thigh": "el muslo",
    "finger": "el dedo", "foot": "el pie", "forearm": "el antebrazo", "gallbladder": "la vesícula", "hand": "la mano",
    "head": "la cabeza", "head and neck": "la cabeza y el cuello", "hip": "la cadera",
    "upper arm": "el brazo (parte alta)", "inner ear": "el oído interno", "jaw": "la mandíbula",
    "kidney": "el riñón", "knee": "la rodilla", "leg": "la pierna", "liver": "el hígado",
    "lower back": "la zona lumbar", "lungs": "los pulmones", "neck and chest": "el cuello y el tórax",
    "nose": "la nariz", "eye socket": "la órbita del ojo", "pancreas": "el páncreas", "kneecap": "la rótula",
    "pelvis": "la pelvis", "prostate": "la próstata", "ribs": "las costillas", "shoulder blade": "el omóplato",
    "scrotum": "el escroto", "shoulder": "el hombro", "sinuses": "los senos nasales", "skull": "el cráneo",
    "spine": "la columna", "spleen": "el bazo", "breastbone": "el esternón", "stomach": "el estómago",
    "teeth": "los dientes", "testicles": "los testículos", "thumb": "el pulgar", "thyroid": "la tiroides",
    "lower leg": "la pierna (parte baja)", "jaw joint": "la articulación de la mandíbula",
    "toe": "el dedo del pie", "upper back": "la parte alta de la espalda", "womb": "el útero",
    "whole body": "todo el cuerpo", "wrist": "la muñeca",
}  # fmt: skip
SIDE_OF = {"right": "derech", "left": "izquierd"}
ENDING_OF = {"el": "o", "la": "a", "los": "os", "las": "as"}
MANY_OF = {"el": "ambos", "la": "ambas", "los": "ambos", "las": "ambas"}


def title(kind: str, part: str, side: str) -> str:
    """The scan's name from the English kind, part and side; part and side may be empty."""
    said = KIND_OF.get(kind, kind)
    whole = PART_OF.get(part, "")
    return f"{said} {_of(_with_side(whole, side))}" if whole else said


def _with_side(whole: str, side: str) -> str:
    article, _, noun = whole.partition(" ")
    if side == "both" and article in MANY_OF:
        return f"{MANY_OF[article]} {_plural(noun)}"
    if side in SIDE_OF and article in ENDING_OF:
        name, opening, which = whole.partition(" (")
        return f"{name} {SIDE_OF[side]}{ENDING_OF[article]}{opening}{which}"
    return whole


def _plural(noun: str) -> str:
    """The first word in the plural: "pies", "riñones", "manos"."""
    first, *rest = noun.split(" ")
    if first[-1] not in "sx":
        # An accent on the last syllable goes when another syllable follows: riñón, riñones.
        first = first + "s" if first[-1] in "aeiouáé" else first.replace("ó", "o") + "es"
    return " ".join((first, *rest))


def _of(words: str) -> str:
    return f"d{words}" if words.startswith("el ") else f"de {words}"
