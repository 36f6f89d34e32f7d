"""Hazards and Docker Hub uses as SARIF, for GitHub code scanning. Pure.

SARIF 2.1.0 (docs.oasis-open.org/sarif); GitHub reads `security-severity`, `level`, and keeps an
alert's identity by `partialFingerprints` (docs.github.com, "SARIF support for code scanning").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from longshore.rewrite.hazards.hazard import Check, Hazard

_LEVEL = {"high": "error", "medium": "warning", "low": "note"}
_SCORE = {"high": "7.5", "medium": "5.0", "low": "2.0"}


def sarif(hazards: Sequence[Hazard], checks: Sequence[Check], version: str) -> dict[str, Any]:
    """One SARIF log with one run; `checks` give titles to the codes."""
    known = {check.code: check for check in checks}
    codes = sorted({hazard.code for hazard in hazards})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "longshore",
                        "semanticVersion": version,
                        "rules": [_rule(code, known.get(code)) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(hazard, codes) for hazard in hazards],
            }
        ],
    }


def _rule(code: str, check: Check | None) -> dict[str, Any]:
    severity = check.severity if check else "medium"
    return {
        "id": code,
        "shortDescription": {"text": check.title if check else code},
        "defaultConfiguration": {"level": _LEVEL[severity]},
        "properties": {"security-severity": _SCORE[severity], "tags": ["longshore"]},
    }


def _result(hazard: Hazard, codes: Sequence[str]) -> dict[str, Any]:
    identity = f"{hazard.code}\0{hazard.file}\0{hazard.message}"
    return {
        "ruleId": hazard.code,
        "ruleIndex": codes.index(hazard.code),
        "level": _LEVEL[hazard.severity],
        "message": {"text": f"{hazard.message} {hazard.fix}".strip()},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(hazard.file.encode("utf-8", "surrogateescape")),
                        "uriBaseId": "%SRCROOT%",
                    },
                    "region": {"startLine": hazard.line, "startColumn": hazard.column},
                }
            }
        ],
        "partialFingerprints": {
            "longshore/1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:32]
        },
    }
