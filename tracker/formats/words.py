"""Words: the titles of tables in languages whose letters Latin-1 has not, and in those of the north.

Written without the marks that `plain` takes off: й is и, ώ is ω, š is s.
"""

from __future__ import annotations

#: our field → Russian, Ukrainian, Greek, Czech, Turkish, Swedish, Finnish
TITLES: dict[str, tuple[str, ...]] = {
    "vehicle": (
        *("объект", "машина", "автомобиль", "транспорт", "тс", "госномер", "гос_номер", "номер_тс", "устроиство"),
        *("трекер", "об_єкт", "обєкт", "пристріи", "автомобіль", "οχημα", "vozidlo", "spz", "arac", "plaka", "fordon"),
        *("ajoneuvo", "rekisterinumero"),
    ),
    "time": (
        *("дата_время", "дата_и_время", "время_gps", "дата_час", "ημερομηνια_ωρα", "datum_a_cas", "tarih_saat"),
        *("aikaleima", "tidpunkt", "время", "час", "ωρα", "χρονος", "cas", "zaman", "aika", "tid"),
    ),
    "lat": ("широта", "πλατος", "γεωγραφικο_πλατος", "zemepisna_sirka", "sirka", "enlem", "latitud", "leveysaste"),
    "lon": (
        *("долгота", "довгота", "μηκος", "γεωγραφικο_μηκος", "zemepisna_delka", "delka", "boylam", "longitud"),
        "pituusaste",
    ),
    "heading": ("курс", "направление", "азимут", "напрямок", "κατευθυνση", "smer", "yon", "riktning", "suunta"),
    "altitude_m": ("высота", "висота", "υψομετρο", "vyska", "yukseklik", "hojd", "korkeus"),
    "accuracy_m": ("точность", "точність", "ακριβεια", "presnost", "dogruluk", "noggrannhet", "tarkkuus"),
    "ignition": ("зажигание", "запалювання", "zapalovani", "kontak", "tandning", "sytytys"),
    "battery_pct": ("батарея", "аккумулятор", "акумулятор", "μπαταρια", "baterie", "batarya", "batteri", "akku"),
    "driver": ("водитель", "водіи", "οδηγος", "ridic", "surucu", "forare", "kuljettaja"),
    "alarm": ("тревога", "тривога"),
}
DATES = ("дата", "ημερομηνια", "tarih", "paivamaara", "dag")
CLOCKS = ("время", "час", "ωρα", "cas", "saat", "kello", "klockslag")
SPEEDS = ("скорость", "швидкість", "ταχυτητα", "rychlost", "hiz", "hastighet", "nopeus")
UNITS = {"км_ч": "kmh", "км_час": "kmh", "км_год": "kmh", "м_с": "mps", "узлы": "kn", "χλμ_ωρα": "kmh", "km_sa": "kmh"}
