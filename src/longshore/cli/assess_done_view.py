"""What `assess --done` shows on a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from longshore.cli.typeset import one_line, shorten, table
from longshore.rewrite.done import Ending, Quiet
from longshore.rewrite.hub_credentials import Credential
from longshore.text import tr

_SHOWN = 20


def done_lines(ending: Ending) -> list[str]:
    """The three answers, then what is to be revoked and deleted."""
    lines = [*_trees(ending), *_hub(ending)]
    if ending.doubts:
        lines += ["", tr("Could not be checked:")]
        lines += [f"  {one_line(one)}" for one in ending.doubts[:_SHOWN]]
        if rest := len(ending.doubts) - _SHOWN:
            lines += [tr("  ... and {count} more (--json)", count=rest)] if rest > 0 else []
    return [*lines, "", *_revoke(ending)]


def _trees(ending: Ending) -> Iterator[str]:
    if not ending.left:
        yield tr("trees: no pull from Docker Hub, no push and no login is left")
        return
    yield tr("trees: {count} places still need Docker Hub", count=len(ending.left))
    many = len(ending.trees) > 1
    places = [
        (f"{tree.tree}/{use.file}" if many else use.file, use)
        for tree in ending.trees
        for use in tree.left
    ]
    rows = [
        (f"{path}:{use.line}:{use.column}", use.mention.role, shorten(use.reference, 60))
        for path, use in places[:_SHOWN]
    ]
    yield from (f"  {line}" for line in table([tr("PLACE"), tr("ROLE"), tr("IMAGE")], rows))
    if (rest := len(places) - _SHOWN) > 0:
        yield tr("  ... and {count} more (--json)", count=rest)


def _hub(ending: Ending) -> Iterator[str]:
    if ending.unasked:
        return
    mark = "  EMBEDDED" if ending.embedded else ""
    if not ending.repositories:
        yield tr("Docker Hub: the rules name no repository of your own there")
    elif all(one.state == "quiet" for one in ending.repositories):
        yield (
            tr(
                "Docker Hub: nobody pulled from your repositories ({count}) or pushed to them for "
                "{days} days",
                count=len(ending.repositories),
                days=ending.quiet_days,
            )
            + mark
        )
    else:
        yield tr("Docker Hub:") + mark
    for one in ending.repositories:
        yield f"  {one.repository}  {_state(one)}"
    if ending.others:
        names = ", ".join(ending.others[:4]) + (", ..." if len(ending.others) > 4 else "")
        yield tr("  not asked, for they are not yours: {names}", names=names)


def _state(one: Quiet) -> str:
    text = one.reason
    if one.at is not None:
        what = f"{one.repository.rpartition('/')[2]}:{one.tag}"
        text = tr("{what} on {when}: {why}", what=what, why=one.reason,
                  when=one.at.strftime("%Y-%m-%d %H:%M UTC"))  # fmt: skip
    if one.pull_count is not None:
        text += tr(" ({count} pulls ever)", count=one.pull_count)
    return text


def _revoke(ending: Ending) -> Iterator[str]:
    if ending.verdict == "done":
        yield tr("The move is over. Revoke and delete now:")
    else:
        yield tr("Once this is over, revoke and delete:")
    yield tr(
        "  the access token at hub.docker.com (Account settings, Personal access tokens) that "
        "these held"
    )
    for one in ending.credentials:
        yield f"  {_credential(one)}"
    if not ending.credentials:
        yield tr(
            "  no secret is named here any more; look at the names in the old workflows: "
            "git log -p -- .github/workflows"
        )
    for text in ending.logins:
        yield f"  {text}"
    if ending.others:
        yield tr(
            "Keep one token that may only read public repositories: `longshore sync` still copies "
            "{count} images of others from Docker Hub, and without a login under the lowest limit",
            count=len(ending.others),
        )


def _credential(one: Credential) -> str:
    store = tr("secret") if one.store == "secret" else tr("variable")
    places = ", ".join(one.places[:3]) + (", ..." if len(one.places) > 3 else "")
    if one.past:
        why = tr("was read by {places}, which no longer does", places=places)
    elif one.used:
        why = tr("still read by {places}", places=places)
    else:
        why = tr("left over in {places}", places=places)
    return f"{store} {one.name}  ({why})"
