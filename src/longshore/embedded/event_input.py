"""What an EventBridge target is sent for an event: Input, InputPath, InputTransformer. Pure.

EventBridge User Guide, "Transforming Amazon EventBridge target input". Paths are member names and
list places (`$.detail.items[0]`).

>>> path_value({"detail": {"a": [1, 2]}}, "$.detail.a[1]")
2
"""

from __future__ import annotations

import json
import re
from typing import Any

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_PLACE = re.compile(r"<([^<>]+)>")


def target_input(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The text that the target gets."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(path_value(event, target["InputPath"]))
    if transformer := target.get("InputTransformer"):
        return _render(transformer["InputTemplate"], transformer.get("InputPathsMap", {}), event)
    return json.dumps(event)


def path_value(event: Any, path: str) -> Any:
    """What stands at the path, or None."""
    found = event
    for name, place, quoted in _STEP.findall(path.removeprefix("$")):
        try:
            found = found[int(place)] if place else found[name or quoted]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _render(template: str, paths: dict[str, str], event: dict[str, Any]) -> str:
    """The template with its `<name>` places filled: as JSON, or inside quotes as text."""
    values = {name: path_value(event, path) for name, path in paths.items()}
    values["aws.events.event.json"] = event

    def fill(place: re.Match[str]) -> str:
        if place[1] not in values:
            return place[0]
        value = values[place[1]]
        if not _is_quoted(template, place.start()):
            return json.dumps(value)
        text = value if isinstance(value, str) else json.dumps(value)
        return json.dumps(text)[1:-1]

    return _PLACE.sub(fill, template)


def _is_quoted(template: str, place: int) -> bool:
    return len(re.findall(r'(?<!\\)"', template[:place])) % 2 == 1
