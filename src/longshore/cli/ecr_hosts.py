"""Recognises ECR's own registry hosts, in every partition of AWS. Pure.

Strict on purpose: whoever may claim to be ECR is handed an ECR password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# DNS suffixes of AWS's partitions (botocore `partitions.json`), single-stack and dual-stack.
_SINGLE = (
    *("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "c2s.ic.gov", "sc2s.sgov.gov"),
    *("cloud.adc-e.uk", "csp.hci.ic.gov"),
)
_DUAL = ("on.aws", "on.amazonwebservices.com.cn", "on.amazonwebservices.eu")


def _pattern(dot: str, suffixes: tuple[str, ...]) -> re.Pattern[str]:
    ends = "|".join(re.escape(suffix) for suffix in suffixes)
    region = r"(?P<region>[a-z]{2,}(?:-[a-z]+)+-\d+)"
    name = rf"(?P<account>[0-9]{{12}})\.dkr{dot}ecr(?P<fips>-fips)?\.{region}"
    return re.compile(rf"{name}\.(?:{ends})\Z", re.ASCII)


_PATTERNS = (_pattern(r"\.", _SINGLE), _pattern("-", _DUAL))


@dataclass(frozen=True)
class EcrHost:
    """Whose registry, where."""

    account: str
    region: str
    fips: bool = False
    dualstack: bool = False


def parse_ecr_host(host: str) -> EcrHost | None:
    """What an ECR host says, or None when it is none.

    >>> parse_ecr_host("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com")
    EcrHost(account='123456789012', region='ap-northeast-2', fips=False, dualstack=False)
    >>> parse_ecr_host("123456789012.dkr.ecr.ap-northeast-2.amazonaws.com.evil.example")
    """
    for dualstack, pattern in enumerate(_PATTERNS):
        if found := pattern.match(host):
            return EcrHost(
                found["account"], found["region"], found["fips"] is not None, bool(dualstack)
            )
    return None
