"""Whether a move is over: verdicts on usage, and the credentials that pipelines name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.facts import HubUsage, TagUsage
from longshore.remote.hub_usage import tag_usage
from longshore.rewrite.done import judge_usage
from longshore.rewrite.hub_credentials import hub_credentials, past_credentials
from tests.rewrite.trees import tree_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PATH = ".github/workflows/ci.yml"
HEAD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def tag(name: str, pulled: float | None, pushed: float = 100, *, told: bool = True) -> TagUsage:
    return TagUsage(name, told, None if pulled is None else ago(pulled), ago(pushed))


@pytest.mark.parametrize(
    ("tags", "count", "state", "last"),
    [
        ([tag("a", 8), tag("b", 30)], 9, "quiet", "a"),
        ([tag("a", 8), tag("b", 6.9)], 9, "pulled", "b"),
        ([tag("a", 7.1)], 9, "quiet", "a"),
        ([tag("a", -1)], 9, "pulled", "a"),
        ([tag("a", 8, pushed=1)], 9, "pushed", "a"),
        ([tag("a", None)], 0, "quiet", ""),
        ([], 0, "quiet", ""),
        ([tag("a", None)], 9, "unknown", ""),
        ([], 9, "unknown", ""),
        ([tag("a", None)], None, "unknown", ""),
        ([tag("a", 8), tag("b", None)], 9, "quiet", "a"),
        ([tag("a", 8), tag("b", None, told=False)], 9, "unknown", ""),
        ([tag("a", 1), tag("b", None, told=False)], 9, "pulled", "a"),
        ([tag("a", None, told=False)], 0, "unknown", ""),
    ],
)
def test_usage(tags: list[TagUsage], count: int | None, state: str, last: str) -> None:
    found = judge_usage(HubUsage("acme/app", NOW, count, tuple(tags)), 7)
    assert (found.state, found.tag) == (state, last)
    assert found.reason


@given(st.lists(st.tuples(st.none() | st.floats(0, 400), st.booleans())), st.integers(0, 9))
def test_a_late_pull_or_a_silence_is_never_quiet(
    seen: list[tuple[float | None, bool]], count: int
) -> None:
    tags = tuple(tag(str(at), days, told=told) for at, (days, told) in enumerate(seen))
    state = judge_usage(HubUsage("acme/app", NOW, count, tags), 7).state
    if any(days is not None and days < 7 for days, _ in seen):
        assert state == "pulled"
    elif not all(told for _, told in seen):
        assert state == "unknown"


@pytest.mark.parametrize(
    ("entry", "told", "at"),
    [
        ({"tag_last_pulled": "2026-11-12T12:00:00.5Z"}, True, 12),
        ({"tag_last_pulled": None}, True, None),
        ({"tag_last_pulled": "0001-01-01T00:00:00Z"}, True, None),
        ({}, False, None),
        ({"tag_last_pulled": "yesterday"}, False, None),
        ({"tag_last_pulled": 7}, False, None),
        (
            {"tag_last_pulled": None, "images": [{"last_pulled": "2026-11-14T00:00:00Z"}, 3]},
            True,
            14,
        ),
        ({"images": [{"last_pulled": "2026-11-14T00:00:00Z"}]}, False, 14),
    ],
)
def test_what_the_hub_says_of_a_tag(entry: dict[str, object], told: bool, at: int | None) -> None:
    found = tag_usage({"name": "a", **entry})
    assert found.told is told
    assert (found.pulled_at.day if found.pulled_at else None) == at


def named(text: str, path: str = PATH) -> dict[str, bool]:
    return {one.name: one.used for one in hub_credentials(tree_of({path: text}))}


LOGIN = "      - uses: docker/login-action@v3\n        with: {%s}\n"
BOTH = "username: '${{ vars.WHO }}', password: '${{ secrets.PASS }}'"


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (LOGIN % BOTH, {"WHO": True, "PASS": True}),
        (LOGIN % f"registry: docker.io, {BOTH}", {"WHO": True, "PASS": True}),
        (LOGIN % f"registry: ghcr.io, {BOTH}", {}),
        (LOGIN % f"registry: '${{{{ vars.R }}}}', {BOTH}", {}),
        (LOGIN % "password: \"${{ secrets['A_B'] }}\"", {"A_B": True}),
        ("      - run: echo ${{ secrets.OTHER }}\n", {}),
        ("      - run: echo ${{ secrets.DOCKERHUB_TOKEN }}\n", {"DOCKERHUB_TOKEN": False}),
        ("      - run: docker login -u me -p ${{ secrets.PW }}\n", {"PW": True}),
        ("      - run: docker login -u me -p ${{ secrets.PW }} ghcr.io\n", {}),
        ("      - run: docker login -u ${{ vars.U }} --password-stdin quay.io\n", {}),
        (
            '      - run: echo "$PW" | docker login -u "$WHO" --password-stdin\n'
            "        env: {PW: '${{ secrets.PW }}', X: '${{ secrets.OTHER }}'}\n",
            {"PW": True},
        ),
        (
            "      - uses: docker/build-push-action@v1\n        with: {username: a, "
            "password: '${{ secrets.PW }}', repository: a/b}\n",
            {"PW": True},
        ),
        ("      - run: |\n          docker build .\n", {}),
    ],
)
def test_names_of_a_step(steps: str, found: dict[str, bool]) -> None:
    assert named(HEAD + steps) == found


def test_the_environment_of_the_job_counts_where_the_login_reads_it() -> None:
    text = (
        "on: push\nenv: {PW: '${{ secrets.PW }}', N: '${{ secrets.NO }}'}\njobs:\n  a:\n"
        "    runs-on: x\n    steps:\n      - run: docker login -u me -p $PW\n"
    )
    assert named(text) == {"PW": True}


def test_credentials_of_a_container() -> None:
    text = (
        "on: push\njobs:\n  a:\n    runs-on: x\n    container:\n      image: %s/a:1\n"
        "      credentials: {username: me, password: '${{ secrets.PW }}'}\n    steps: []\n"
    )
    assert named(text % "acme") == {"PW": True}
    assert named(text % "ghcr.io/acme") == {}


def test_other_pipelines_by_word() -> None:
    text = "build:\n  script:\n    - docker login -u $DOCKERHUB_USERNAME -p $DOCKERHUB_TOKEN\n"
    assert set(named(text, ".gitlab-ci.yml")) == {"DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"}
    assert named(text, "notes.txt") == {}


def test_what_was_rewritten_is_told_apart() -> None:
    tree = tree_of({PATH: HEAD + LOGIN % BOTH})
    [one, two] = past_credentials(tree.files.values())
    assert (one.past, two.past) == (True, True)
    assert one.places == (f"{PATH}:7",)


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    hub_credentials(tree_of({PATH: HEAD + LOGIN % text, ".gitlab-ci.yml": text}))
