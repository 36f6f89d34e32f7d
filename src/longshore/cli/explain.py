"""`longshore explain CODE`: what an error or hazard means, its usual causes, what to do. I/O."""

from __future__ import annotations

import click

from longshore.cli.explanations import Explanation, explanations, explanations_of_hazards
from longshore.cli.frame import App, command
from longshore.cli.typeset import nearest, table
from longshore.errors import UsageError
from longshore.text import tr


@command(
    "explain",
    help=tr("Tells what the code of an error or hazard means, why it happens, and what to do."),
    examples=["longshore explain not-logged-in", "longshore explain slash-in-tag"],
)
@click.argument("code", required=False)
def explain(app: App, code: str | None) -> None:
    known = explanations()
    if code not in known:
        known |= explanations_of_hazards()
    if code is None:
        _list(app, known)
        return
    found = known.get(code)
    if found is None:
        raise _unknown(code, known)
    app.output.result(
        {
            "schema": "longshore.explain/1",
            "code": found.code,
            "exit_code": found.exit_code,
            "meaning": found.meaning,
            "causes": list(found.causes),
            "what_to_do": list(found.what_to_do),
        },
        _lines(found),
    )


def _lines(found: Explanation) -> list[str]:
    head = found.code
    if found.exit_code is not None:
        head = tr("{code} (exit {exit})", code=found.code, exit=found.exit_code)
    lines = [head, "", found.meaning]
    for title, items in ((tr("Usual causes"), found.causes), (tr("What to do"), found.what_to_do)):
        if items:
            lines += ["", f"{title}:", *(f"  - {item}" for item in items)]
    return lines


def _list(app: App, known: dict[str, Explanation]) -> None:
    ordered = sorted(known.values(), key=lambda one: one.code)
    rows = [
        (one.code, "-" if one.exit_code is None else one.exit_code, one.meaning) for one in ordered
    ]
    codes = [
        {"code": one.code, "exit_code": one.exit_code, "meaning": one.meaning} for one in ordered
    ]
    app.output.result(
        {"schema": "longshore.explain/1", "codes": codes},
        table([tr("CODE"), tr("EXIT"), tr("MEANING")], rows, right=[1]),
        next="longshore explain CODE",
    )


def _unknown(code: str, known: dict[str, Explanation]) -> UsageError:
    meant = nearest(code, known)
    hint = tr("did you mean `longshore explain {code}`?", code=meant)
    return UsageError(
        tr("there is no error or hazard '{code}'", code=code),
        hint if meant else tr("`longshore explain` lists them all"),
        code="unknown-code",
    )
