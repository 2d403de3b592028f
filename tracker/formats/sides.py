"""Sides: north, south, east and west as tables say them, whose letters are not everywhere the same.

O is Ost in German and Ouest, Oeste, Ovest in French, Spanish and Italian: a longitude on the wrong side of Greenwich
looks like any other. So it is believed only where the file itself shows which it is, or its user says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SIDES: dict[str, str] = {
    **dict.fromkeys(("n", "north", "nord", "norden", "norte", "noord", "norr"), "N"),
    **dict.fromkeys(("s", "south", "süd", "sued", "süden", "sud", "sur", "sul", "syd", "z", "zuid"), "S"),
    **dict.fromkeys(("e", "east", "est", "este", "leste", "ost", "osten", "oost", "öst", "øst", "ö", "ø"), "E"),
    **dict.fromkeys(("w", "west", "westen", "ouest", "oeste", "ovest", "vest", "väst"), "W"),
    "с": "N",
    "север": "N",
    "ю": "S",
    "юг": "S",
    "в": "E",
    "восток": "E",
    "з": "W",
    "запад": "W",  # Cyrillic
}
LETTER_O = {"east": "E", "west": "W"}  #: what --letter-o says of it

#: what only tables say in which O is east, and only those in which it is west
_OST = frozenset(
    [
        *("süd", "sued", "süden", "norden", "ost", "osten", "oost", "zuid", "öst", "øst", "breite"),
        *("breitengrad", "lange", "langengrad", "laenge", "laengengrad", "fahrzeug", "fahrzeugnummer"),
        *("kennzeichen", "wagen", "datum", "uhrzeit", "zeit", "zeitstempel", "zeitpunkt", "geschwindigkeit"),
        *("geschw", "hohe", "hoehe", "richtung", "fahrtrichtung", "kurs", "fahrer", "gerat", "geraet"),
        *("breedtegraad", "lengtegraad", "tijd", "tijdstip", "snelheid", "voertuig", "kenteken"),
    ]
)
_OESTE = frozenset(
    [
        *("leste", "este", "oeste", "ouest", "ovest", "sur", "sul", "norte", "latitud", "longitud"),
        *("fecha", "hora", "velocidad", "vehiculo", "matricula", "rumbo", "unidad", "conductor", "altitud"),
        *("heure", "horodatage", "vitesse", "vehicule", "immatriculation", "appareil", "conducteur"),
        *("latitudine", "longitudine", "ora", "velocita", "veicolo", "targa", "veiculo", "velocidade"),
        *("placa", "motorista"),
    ]
)
_WORD = re.compile(r"[^\W\d_]+")


class Unclear(ValueError):
    """Degrees with an O, and nobody knows whether it is east or west."""


def read_side(word: str, letter_o: str = "") -> str:
    """N, S, E or W; `?` for what is none of them. `letter_o`: the side an O is. Raises Unclear where none is."""
    word = word.casefold().rstrip(".")
    if word == "o":
        if not letter_o:
            raise Unclear
        return letter_o
    return SIDES.get(word) or ("E" if word == "l" and letter_o == "W" else "?")  # Leste beside Oeste


def words(cells: Iterable[str]) -> set[str]:
    """Whatever could be a side among these cells."""
    return {word.casefold() for cell in cells for word in _WORD.findall(cell)}


def find_letter_o(said: set[str], titles: Iterable[str]) -> str:
    """The side an O is, by the other sides of the file and by the language of its (plain) titles.

    "" where neither shows it, or they contradict each other.
    """
    told = {part for title in titles for part in title.split("_")} | said
    votes = {side for side, known in (("E", _OST), ("W", _OESTE)) if told & known}
    votes |= {other for letter, other in (("e", "W"), ("w", "E"), ("l", "W")) if {letter, "o"} <= said}
    return votes.pop() if len(votes) == 1 else ""
