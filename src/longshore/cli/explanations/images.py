"""Error codes of images: references, manifests, blobs, tags. Pure."""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    return [*_names(), *_content(), *_found()]


def _names() -> list[Explanation]:
    return [
        Explanation(
            "bad-reference",
            2,
            tr("The text is not an image reference."),
            (tr("capital letters in the repository"), tr("an address with https://")),
            (tr("write it as registry/repository:tag, such as docker.io/library/node:18"),),
        ),
        Explanation(
            "bad-digest",
            2,
            tr("The text is not a digest."),
            (tr("a shortened digest"),),
            (tr("write it whole: sha256: and 64 hex digits"),),
        ),
        Explanation(
            "bad-platform",
            2,
            tr("The text is not a platform."),
            (),
            (tr("write it as os/architecture, such as linux/arm64"),),
        ),
    ]


def _content() -> list[Explanation]:
    again = tr("run the same command again; if it stays so, the image at the source is damaged")
    return [
        Explanation(
            "digest-mismatch",
            1,
            tr("Bytes do not have the digest that they were asked for by; they were not used."),
            (
                tr("a proxy that changes what passes"),
                tr("a damaged image at the source"),
                tr("a registry that lies"),
            ),
            (again, tr("nothing was stored under the tag")),
        ),
        Explanation(
            "blob-truncated",
            1,
            tr("A blob ended before its announced size."),
            (tr("a connection that broke"), tr("a proxy with a limit")),
            (again,),
        ),
        Explanation(
            "blob-too-long",
            1,
            tr("A blob went on after its announced size; reading stopped."),
            (tr("a damaged or hostile registry"),),
            (again,),
        ),
        Explanation(
            "blob-missing",
            1,
            tr("An image refers to a blob that is not there."),
            (tr("an incomplete archive or layout"), tr("a clean-up at the source")),
            (tr("push the image again, or leave the tag out"),),
        ),
        Explanation(
            "bad-manifest",
            1,
            tr("A manifest cannot be understood."),
            (
                tr("a manifest of schema 1, from before 2016"),
                tr("a document that is not a manifest"),
            ),
            (tr("rebuild the image with a current docker, or leave the tag out"),),
        ),
        Explanation(
            "schema1",
            1,
            tr("The image has a manifest of Docker's first kind, which ECR does not take."),
            (tr("the image was pushed by a docker older than 1.10"),),
            (tr("pull and push the image with a current docker, or leave the tag out"),),
        ),
        Explanation(
            "manifest-too-large",
            1,
            tr("A manifest is larger than 4 MiB, which no registry has to take."),
            (),
            (tr("leave the tag out; nothing of it was stored"),),
        ),
        Explanation(
            "manifest-invalid",
            1,
            tr("The registry does not take this manifest."),
            (tr("an old or unusual image"),),
            (tr("rebuild the image with a current docker, or leave the tag out"),),
        ),
        Explanation(
            "manifest-blob-unknown",
            1,
            tr("The registry lacks a blob or child that a manifest refers to."),
            (tr("a clean-up ran between the upload and the manifest"),),
            (tr("run the same command again: it uploads what is missing"),),
        ),
        Explanation(
            "kept-manifest-lost",
            1,
            tr("A manifest read earlier in this copy is no longer kept on disk."),
            (tr("somebody emptied the state folder meanwhile"),),
            (tr("run the same command again"),),
        ),
        Explanation(
            "not-a-layout",
            1,
            tr("The folder is not an OCI image layout."),
            (),
            (tr("name a folder made by `skopeo copy ... oci:`, or an empty one to write to"),),
        ),
        Explanation(
            "not-an-archive",
            1,
            tr("The file is not an archive of images."),
            (tr("it is compressed"), tr("the download was cut off")),
            (tr("make one with `docker save`, and unpack a compressed one first"),),
        ),
        Explanation(
            "ambiguous-archive",
            1,
            tr("The archive has two images under one tag."),
            (),
            (tr("save each repository into an archive of its own"),),
        ),
    ]


def _found() -> list[Explanation]:
    return [
        Explanation(
            "manifest-not-found",
            1,
            tr("The repository has no such tag or digest."),
            (tr("a misspelt tag"), tr("a lifecycle rule or a person removed it")),
            (tr("`longshore tags ls REPOSITORY` lists what is there"),),
        ),
        Explanation(
            "manifest-unknown",
            1,
            tr("The source has no such image."),
            (tr("a misspelt tag"), tr("no tag means `latest`, which not every repository has")),
            (tr("`longshore tags ls REGISTRY/REPOSITORY` lists what is there"),),
        ),
        Explanation(
            "blob-not-found",
            1,
            tr("The registry has no such blob."),
            (tr("a clean-up at the registry"),),
            (tr("run the same command again; if it stays so, push the image again"),),
        ),
        Explanation(
            "platform-missing",
            1,
            tr("The image does not have a platform that was asked for."),
            (),
            (tr("ask for platforms that the image has, or for `all`"),),
        ),
        Explanation(
            "tag-immutable",
            1,
            tr("The tag exists already and the repository does not let tags be moved."),
            (
                tr("an earlier build pushed the same tag"),
                tr("ECR refuses even the same image again"),
            ),
            (
                tr("use a new tag"),
                tr("or except the pattern: `mutability: {default: immutable, except: [...]}`"),
            ),
        ),
        Explanation(
            "tag-invalid",
            1,
            tr("The registry does not take this tag."),
            (),
            (tr("tags have at most 128 letters, digits, `.`, `_` and `-`"),),
        ),
        Explanation(
            "last-tag",
            3,
            tr("The tag is the image's last one; ECR deletes an image with its last tag."),
            (),
            (tr("put another tag on the image first: `longshore tags protect`"),),
        ),
        Explanation(
            "tag-not-deleted",
            1,
            tr("ECR did not remove the tag."),
            (),
            (tr("look at it with `longshore tags show`"),),
        ),
        Explanation(
            "not-protecting",
            2,
            tr("The name is not one that the lifecycle policy protects."),
            (),
            (tr("choose one like live-NAME or rollback-NAME"),),
        ),
        Explanation(
            "protecting-tag-taken",
            3,
            tr("The protecting tag is on another image, which would lose its protection."),
            (),
            (tr("choose another name with --as"),),
        ),
    ]
