"""Lint: what only the images show: signatures kept as tags, prefixes that match too much. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from longshore.policy.lifecycle.checks_protect import keeping, shielded_from
from longshore.policy.lifecycle.evaluate import Verdict
from longshore.policy.lifecycle.findings import Edit, Finding
from longshore.policy.lifecycle.lint_subject import Line, Subject
from longshore.text import tr

# Where cosign keeps what it says about an image: a tag made of the image's digest.
_SIGNATURE = re.compile(r"sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?\Z")
_SIGNATURES = "sha256-*"


def check_contents(subject: Subject) -> Iterator[Finding]:
    """Signature tags that go apart from their image; prefixes that take two kinds of tags."""
    if subject.images:
        yield from _signatures(subject)
        for line in subject.expiring():
            yield from _too_wide(subject, line)


def _signatures(subject: Subject) -> Iterator[Finding]:
    tagged = [
        one for one in subject.evaluation.verdicts if any(map(_SIGNATURE.match, one.image.tags))
    ]
    here = {one.image.digest: one for one in subject.evaluation.verdicts}
    taken = [one for one in tagged if one.rule is not None and not _line(subject, one).keeps_all]
    if not taken or shielded_from(subject, _SIGNATURES) < _line(subject, taken[0]).at:
        return
    apart = [one for one in taken if one.action == "expire" and _stays(one, here)]
    shown = (apart or taken)[0]
    line = _line(subject, shown)
    message = (
        tr(
            "rule {rule} deletes signatures or attestations of images that stay ({count} now, such "
            "as {example}): these can no longer be verified",
            rule=line.number,
            count=len(apart),
            example=shown.image.tags[0][:30],
        )
        if apart
        else tr(
            "rule {rule} takes signatures and attestations (such as {example}) for images of their "
            "own: they count among its images, and go by their own age",
            rule=line.number,
            example=shown.image.tags[0][:30],
        )
    )
    yield Finding(
        "lifecycle-signatures",
        "high" if apart else "medium",
        line.path(),
        message,
        tr(
            "keep {tags} before it, and let a rule that counts them count more; signatures that "
            "are stored as referrers go with their image by themselves",
            tags=_SIGNATURES,
        ),
        line.number,
        shown.image.tags[0],
        _kept_and_counted(line, len(tagged)),
    )


def _kept_and_counted(line: Line, signatures: int) -> Edit:
    """What an earlier rule keeps still counts: so the number grows by the signatures."""
    rule = (
        line.with_selection(countNumber=line.count + signatures) if line.is_count else line.written
    )
    return Edit(line.at, (keeping(_SIGNATURES), rule), frozenset({line.at}))


def _line(subject: Subject, verdict: Verdict) -> Line:
    return next(one for one in subject.lines if one.rule is verdict.rule)


def _stays(signature: Verdict, here: dict[str, Verdict]) -> bool:
    """Whether the image that it is about is here and stays."""
    for tag in signature.image.tags:
        found = _SIGNATURE.match(tag)
        image = here.get(f"sha256:{found[1]}") if found else None
        if image is not None and image.action == "keep":
            return True
    return False


def _too_wide(subject: Subject, line: Line) -> Iterator[Finding]:
    """A prefix such as `v` that takes `v1.2` and `vpn-7`: a letter follows it, or none does."""
    for pattern in line.patterns:
        head = pattern.removesuffix("*")
        if not pattern.endswith("*") or "*" in head or not head[-1:].isalpha():
            continue
        tags = sorted(tag for tag in subject.tags if tag.startswith(head))
        words = [tag for tag in tags if tag[len(head) : len(head) + 1].isalpha()]
        others = [tag for tag in tags if tag not in set(words)]
        if not words or not others:
            continue
        yield Finding(
            "lifecycle-prefix-too-wide",
            "medium",
            line.list_path,
            tr(
                "'{head}' takes {others} and also {words}: rule {rule} counts and deletes them as "
                "one kind",
                head=head,
                others=others[0],
                words=words[0],
                rule=line.number,
            ),
            tr(
                "write what sets them apart into the entry, such as a digit or '-' behind '{head}'",
                head=head,
            ),
            line.number,
            words[0],
        )
