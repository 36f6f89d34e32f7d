"""The reader's language, from LONGSHORE_LANG or the usual variables. I/O."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from longshore.text import install as install_catalogue

_FOLDER = Path(__file__).parent.parent / "locale"
_VARIABLES = ("LONGSHORE_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


def wanted_language(environ: Mapping[str, str]) -> str:
    """The first language that the environment names, such as `ko`; English otherwise.

    >>> wanted_language({"LANG": "ko_KR.UTF-8"})
    'ko'
    """
    for name in _VARIABLES:
        word = environ.get(name, "").split(":")[0].split(".")[0].split("_")[0].lower()
        if word:
            return "en" if word in ("c", "posix") else word
    return "en"


def install(environ: Mapping[str, str]) -> None:
    """Translate from now on, if there is a catalogue; English needs none."""
    language = wanted_language(environ)
    catalogue = _FOLDER / language / "LC_MESSAGES" / "longshore.mo"
    if not language.isalpha() or not catalogue.is_file():
        return
    from gettext import GNUTranslations

    with catalogue.open("rb") as stream:
        install_catalogue(GNUTranslations(stream).gettext)
