"""Any order of uploads, mounts and deletions against a model of what a registry holds."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from tests.embedded.talk import Talk, digest_of

from longshore.embedded.clock import Clock
from longshore.embedded.contents import Contents
from longshore.embedded.registry import registry_handler
from longshore.embedded.registry_rules import Rules
from longshore.embedded.server import Listener
from longshore.embedded.wire import application

REPOSITORIES = ("acme/one", "acme/two")
repositories = st.sampled_from(REPOSITORIES)
pieces = st.binary(max_size=40)


@dataclass
class Upload:
    """What the model knows of an upload; `path` is where it goes on."""

    repository: str
    path: str
    content: bytes = b""
    is_open: bool = True


@dataclass
class Model:
    blobs: dict[str, dict[str, bytes]] = field(
        default_factory=lambda: {name: {} for name in REPOSITORIES}
    )

    def digests(self) -> list[str]:
        return sorted({digest for held in self.blobs.values() for digest in held})


class Uploads(RuleBasedStateMachine):
    """Rules are requests; what they answer, and what is held afterwards, is the model's."""

    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.model = Model()
        self.opened: list[Upload] = []
        self.begun_by_mounts = 0
        self.open()

    def open(self) -> None:
        self.contents = Contents(Path(self.folder.name), "hub", Clock())
        self.listener = Listener(application(registry_handler(Rules(self.contents))), threads=2)
        self.talk = Talk(self.listener.start().port, {})

    def close(self) -> None:
        self.listener.stop(grace_s=0)
        self.contents.close()

    def teardown(self) -> None:
        self.close()
        self.folder.cleanup()

    @rule(target=uploads, repository=repositories)
    def start(self, repository: str) -> Upload:
        answer = self.talk("POST", f"/v2/{repository}/blobs/uploads/")
        assert answer.status == 202
        upload = Upload(repository, urlsplit(answer.headers["location"]).path)
        self.opened.append(upload)
        return upload

    @rule(upload=uploads, piece=pieces, is_chunked=st.booleans())
    def stream(self, upload: Upload, piece: bytes, is_chunked: bool) -> None:
        answer = self.talk("PATCH", upload.path, iter([piece]) if is_chunked else piece)
        assert answer.status == (202 if upload.is_open else 404)
        if upload.is_open:
            upload.content += piece
            assert answer.headers["range"] == f"0-{max(0, len(upload.content) - 1)}"

    @rule(upload=uploads, piece=st.binary(min_size=1, max_size=40), shift=st.integers(-2, 2))
    def send_range(self, upload: Upload, piece: bytes, shift: int) -> None:
        first = max(0, len(upload.content) + shift)
        fits = first == len(upload.content)
        header = {"Content-Range": f"{first}-{first + len(piece) - 1}"}
        answer = self.talk("PATCH", upload.path, piece, header)
        assert answer.status == ((202 if fits else 416) if upload.is_open else 404)
        if upload.is_open and fits:
            upload.content += piece

    @rule(upload=uploads, piece=pieces, is_right=st.booleans())
    def finish(self, upload: Upload, piece: bytes, is_right: bool) -> None:
        whole = upload.content + piece
        digest = digest_of(whole if is_right else whole + b"x")
        answer = self.talk("PUT", f"{upload.path}?digest={digest}", piece)
        assert answer.status == ((201 if is_right else 400) if upload.is_open else 404)
        if upload.is_open and is_right:
            self.model.blobs[upload.repository][digest] = whole
        upload.is_open = False

    @rule(upload=uploads)
    def cancel(self, upload: Upload) -> None:
        answer = self.talk("DELETE", upload.path)
        assert answer.status == (204 if upload.is_open else 404)
        upload.is_open = False

    @rule(upload=uploads)
    def ask(self, upload: Upload) -> None:
        answer = self.talk("GET", upload.path)
        assert answer.status == (204 if upload.is_open else 404)
        if upload.is_open:
            assert answer.headers["range"] == f"0-{max(0, len(upload.content) - 1)}"

    @rule(content=pieces, repository=repositories)
    def post_whole(self, content: bytes, repository: str) -> None:
        digest = digest_of(content)
        path = f"/v2/{repository}/blobs/uploads/?digest={digest}"
        assert self.talk("POST", path, content).status == 201
        self.model.blobs[repository][digest] = content

    @rule(data=st.data(), source=repositories, taker=repositories)
    def mount(self, data: st.DataObject, source: str, taker: str) -> None:
        digest = data.draw(st.sampled_from([*self.model.digests(), digest_of(b"none")]))
        held = self.model.blobs[source].get(digest)
        path = f"/v2/{taker}/blobs/uploads/?mount={digest}&from={source}"
        assert self.talk("POST", path).status == (202 if held is None else 201)
        if held is not None:
            self.model.blobs[taker][digest] = held
        else:
            self.begun_by_mounts += 1

    @rule(data=st.data(), repository=repositories)
    def delete(self, data: st.DataObject, repository: str) -> None:
        digest = data.draw(st.sampled_from([*self.model.digests(), digest_of(b"none")]))
        held = self.model.blobs[repository].pop(digest, None)
        if self.contents.repository(repository) is not None:
            answer = self.talk("DELETE", f"/v2/{repository}/blobs/{digest}")
            assert answer.status == (404 if held is None else 202)

    @rule()
    def reopen(self) -> None:
        """A restart forgets uploads, and nothing else."""
        self.close()
        for upload in self.opened:
            upload.is_open = False
        self.begun_by_mounts = 0
        self.open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        for repository, blobs in self.model.blobs.items():
            assert dict(self.contents.list_blobs(repository)) == {
                digest: len(content) for digest, content in blobs.items()
            }
            for digest, content in blobs.items():
                assert self.contents.blob_path(digest).read_bytes() == content
        left = [path for path in Path(self.folder.name).rglob("uploads/*") if path.is_file()]
        assert len(left) == sum(upload.is_open for upload in self.opened) + self.begun_by_mounts


TestUploads = Uploads.TestCase
TestUploads.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_whole_folders_hold_no_orphans() -> None:
    """After deleting everything, nothing but the index is left on disk."""
    machine = Uploads()
    try:
        machine.post_whole(b"one", "acme/one")
        machine.post_whole(b"one", "acme/two")
        [digest] = machine.model.digests()
        file = machine.contents.blob_path(digest)
        machine.contents.delete_repository("acme/one")
        assert file.is_file()
        machine.contents.delete_repository("acme/two")
        assert not file.exists()
    finally:
        machine.teardown()
