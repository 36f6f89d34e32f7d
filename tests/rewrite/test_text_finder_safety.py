"""Programs, HCL and units: whatever a file holds, each finder answers, in time, exactly."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.rewrite.finders import code_kinds, hcl_kinds, odd_kinds
from longshore.rewrite.finders.finder import Finder, TreeOfTexts
from longshore.rewrite.mentions import Mention
from longshore.rewrite.source import read_source
from tests.rewrite import test_code_finders, test_hcl_finders, test_odd_finders

FINDERS = [*hcl_kinds.FINDERS, *code_kinds.FINDERS, *odd_kinds.HOSTS, *odd_kinds.FINDERS]
SAMPLES = [
    ("main.tf", test_hcl_finders.DOCKER + test_hcl_finders.CLOUD),
    ("release.tf", test_hcl_finders.RELEASE),
    ("docker-bake.hcl", test_hcl_finders.BAKE),
    ("a.nomad", test_hcl_finders.NOMAD),
    ("T.java", test_code_finders.JAVA),
    ("app.service", test_odd_finders.UNIT),
    ("user-data.yml", test_odd_finders.DATA),
    ("c.bu", test_odd_finders.BUTANE),
    ("a.jsonnet", test_odd_finders.JSONNET),
    ("a.cue", test_odd_finders.CUE),
]
MARKS = "testcontainers docker dagger pulumi airflow aws-cdk oci-containers [Service] [Container]\n"
PATHS = sorted({path for path, _ in SAMPLES} | {"x.pkr.hcl", "a.tftpl", "BUILD", "a.nix", "a.star"})
PATHS += ["a.go", "a.py", "a.ts", "a.cs", "a.rs", "a.kt", "a.rb", "a.dhall", "x.container"]
BITS = ["", "\r\n", "\t", "[", "}", "(", '"', "'", "`", "${", "é", "🦀", "\ufeff", "/*", "=", ":"]


def look(path: str, data: bytes) -> list[Mention]:
    """What the finders that take a path say; every position is checked."""
    file = read_source(path, data)
    if file is None:
        return []
    tree = TreeOfTexts({path: file}, {})
    found = []
    for one in _said(path, data, tree):
        assert file.cut(one.span) == one.text, one
        assert one.text
        for piece in one.pieces:
            assert file.cut(piece.span) == piece.text, one
        found.append(one)
    return found


def _said(path: str, data: bytes, tree: TreeOfTexts) -> list[Mention]:
    takers: list[Finder] = [one for one in FINDERS if one.takes(path)]
    said = [tuple(one.find(tree.files[path], tree) or ()) for one in takers]
    return [one for each in said for one in each if isinstance(one, Mention)]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PATHS), st.text() | st.binary())
def test_any_text(path: str, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    look(path, data)
    look(path, MARKS.encode() + data)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2**32))
def test_mutated_samples(sample: tuple[str, str], seed: int) -> None:
    path, text = sample
    dice = random.Random(seed)
    mutated = list(text)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(mutated))
        mutated[at : at + dice.randint(0, 4)] = dice.choice(BITS)
    look(path, "".join(mutated).encode())


@pytest.mark.parametrize(("path", "text"), SAMPLES)
def test_samples_stay_found_with_other_line_ends_and_a_mark(path: str, text: str) -> None:
    plain = [one.expanded for one in look(path, text.encode())]
    assert plain
    windows = "\ufeff" + text.replace("\n", "\r\n")
    assert [one.expanded for one in look(path, windows.encode())] == plain


LONG = [
    'image = "' + "a" * 1_000_000,
    "image: " + "{" * 40_000,
    "(" * 40_000,
    'new GenericContainer<>("a:1") ' * 1_000,
    "GenericContainer(" * 2_500,
    'image = "a" + ' * 2_500,
    "a = b\nb = a\n" * 2_500,
    "x = x + x\n" * 2_500,
    "/*" * 20_000,
    '"""' * 12_000,
    "a<" * 10_000,
    "a." * 20_000,
    "{image: " * 2_500,
    "Image=" + " " * 40_000 + "x",
    "ExecStart=a \\\n" * 2_500,
    'oci.pull(image = "a", ' * 1_200,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_long_lines_come_to_an_end(text: str) -> None:
    for path in ("main.tf", "a.java", "a.py", "x.container", "a.cue", "BUILD"):
        assert look(path, (MARKS + text).encode()) is not None, path
