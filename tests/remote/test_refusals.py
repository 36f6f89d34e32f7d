"""Whatever a server says becomes one of our errors, fit to be shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import LimitError, LoginError, LongshoreError, RegistryError
from longshore.remote.authority import merge_scopes
from longshore.remote.aws_refusals import aws_refusal
from longshore.remote.refusals import Refused, refusal, shown_text

BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"[]", b'{"errors": 3}', b'{"errors": [1, {"code": 2}]}', b"null", b"{}"]),
    st.text(max_size=60).map(lambda text: f'{{"errors":[{{"code":"{text}"}}]}}'.encode()),
)


@given(st.integers(100, 599), BODIES, st.text(max_size=20), st.booleans())
def test_every_answer_is_one_of_our_errors(
    status: int, body: bytes, retry_after: str, logged_in: bool
) -> None:
    refused = Refused(
        status,
        {"retry-after": retry_after},
        body,
        "GET /v2/a/manifests/v1",
        "registry.example",
        "target",
        "a",
        logged_in,
    )
    error = refusal(refused, 0.0)
    assert isinstance(error, RegistryError | LimitError | LoginError)
    assert error.hint
    assert error.what.isprintable()
    if isinstance(error, RegistryError):
        assert error.side == "target"


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 599))
def test_every_answer_of_aws_too(code: str, message: str, status: int) -> None:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    error = aws_refusal(response, "PutImage", "ecr:PutImage", "shop")
    assert isinstance(error, LongshoreError)
    assert error.hint
    assert error.code == error.code.lower()


@given(st.text())
def test_foreign_texts_are_short_and_printable(text: str) -> None:
    shown = shown_text(text)
    assert shown.isprintable()
    assert len(shown) <= 410


SCOPES = st.lists(
    st.tuples(
        st.sampled_from(["repository:a", "repository:b/c", "registry:catalog"]),
        st.sampled_from(["pull", "push", "pull,push", "delete", "*"]),
    ).map(":".join),
    max_size=6,
).map(tuple)


@given(SCOPES)
def test_merged_scopes_say_the_same_once(scopes: tuple[str, ...]) -> None:
    merged = merge_scopes(scopes)
    assert merge_scopes(merged) == merged
    resources = [scope.rpartition(":")[0] for scope in merged]
    assert len(resources) == len(set(resources))
    asked = {(s.rpartition(":")[0], a) for s in scopes for a in s.rpartition(":")[2].split(",")}
    given_ = {(s.rpartition(":")[0], a) for s in merged for a in s.rpartition(":")[2].split(",")}
    assert given_ == asked
