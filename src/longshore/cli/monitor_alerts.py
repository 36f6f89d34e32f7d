"""`longshore monitor alerts`: the alerts of longshore.yaml as they stand at AWS. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from longshore.cli import wiring
from longshore.cli.frame import App, command
from longshore.cli.typeset import table
from longshore.text import tr

if TYPE_CHECKING:
    from longshore.facts import AlertSeen
    from longshore.provision.resources import Alert


@dataclass(frozen=True)
class Part:
    """A topic, rule or alarm: whether it is as wanted, its state, and who has not confirmed."""

    name: str
    status: str
    state: str = ""
    differs: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


@command(
    "alerts",
    help=tr(
        "Shows the alerts that longshore.yaml asks for as they stand at AWS: which are there, "
        "which differ, the state of each alarm, and which subscribers have not confirmed. Changes "
        "nothing; `longshore apply` makes them."
    ),
    examples=["longshore monitor alerts", "longshore monitor alerts --json"],
)
def alerts(app: App) -> None:
    from longshore.provision.alerts import alert_resources
    from longshore.provision.resources import MANAGED, Place
    from longshore.remote.alerts import AlertTools

    config = wiring.need_config(app.settings, app.environ)
    target = wiring.open_target(app.settings, app.environ)
    end = target.endpoint
    place = Place(target.name, end.kind, end.account, end.region)
    copied = (one.target for one in config.images if one.mode == "copy")
    names = sorted({*config.repositories, *copied})
    wanted, notes = alert_resources(config.alerts, names, place)
    tools = AlertTools(target.session, end.account, MANAGED)
    found = [_part(one, tools.read(one.name)) for one in wanted]
    is_whole = all(one.status == "there" for one in found)
    app.output.result(
        {
            "schema": "longshore.monitor.alerts/1",
            "alerts": [_as_json(one) for one in found],
            "notes": [{"resource": one.resource, "message": one.message} for one in notes],
        },
        [*_lines(found), *(f"i {one.message}" for one in notes)],
        place=target.place,
        next="longshore monitor check" if is_whole else "longshore plan",
    )


def _part(wanted: Alert, seen: AlertSeen | None) -> Part:
    from longshore.provision.alerts import alert_diff

    if seen is None:
        return Part(wanted.name, "missing")
    state = str(seen.document.get("StateValue") or "")
    if not seen.managed:
        return Part(wanted.name, "foreign", state)
    differs = tuple(alert_diff(wanted, seen))
    return Part(wanted.name, "differs" if differs else "there", state, differs, seen.pending)


def _as_json(one: Part) -> dict[str, Any]:
    return {
        "name": one.name,
        "status": one.status,
        "state": one.state or None,
        "differs": list(one.differs),
        "pending": list(one.pending),
    }


def _lines(found: Sequence[Part]) -> list[str]:
    if not found:
        return [tr("longshore.yaml asks for no alerts")]
    words = {
        "there": tr("there"),
        "missing": tr("missing"),
        "differs": tr("differs"),
        "foreign": tr("somebody else's"),
    }
    rows = [(one.name, words[one.status], one.state or "-", _more(one)) for one in found]
    return table([tr("ALERT"), tr("STATUS"), tr("STATE"), tr("NOTE")], rows)


def _more(one: Part) -> str:
    if one.pending:
        return tr("not confirmed: {who}", who=", ".join(one.pending))
    return ", ".join(one.differs)
