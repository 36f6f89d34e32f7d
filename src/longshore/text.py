"""Words that a user reads, ready to be translated. Pure.

Every sentence for a person goes through `tr`. The face (`cli`) installs a gettext
catalogue once at start; until then `tr` gives the English sentence back.

>>> tr("{count} tags copied", count=3)
'3 tags copied'
"""

from collections.abc import Callable

_catalogue: list[Callable[[str], str]] = []


def install(translate: Callable[[str], str]) -> None:
    """Make `translate` (gettext's function of a catalogue) the one that `tr` asks."""
    _catalogue[:] = [translate]


def tr(sentence: str, /, **values: object) -> str:
    """The sentence in the reader's language, with `{name}` places filled from `values`."""
    translated = _catalogue[0](sentence) if _catalogue else sentence
    return translated.format(**values) if values else translated
