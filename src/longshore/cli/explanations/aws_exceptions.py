"""Error codes made from the names of ECR's own exceptions: `image-not-found` and the like. Pure.

The gate turns `ImageNotFoundException` into `image-not-found`. Those that people meet are told at
length, the others in one sentence; a test compares with the SDK's model of ECR.
"""

from __future__ import annotations

from longshore.cli.explanations.entry import Explanation
from longshore.text import tr


def entries() -> list[Explanation]:
    """The explanations of this area."""
    look = tr("the message has AWS's own words")
    brief = [Explanation(code, 1, meaning, (), (look,)) for code, meaning in _brief().items()]
    return [*_images(), *_settings(), *brief]


def _images() -> list[Explanation]:
    return [
        Explanation(
            "image-not-found",
            1,
            tr("The repository has no such image."),
            (tr("a misspelt tag"), tr("a lifecycle rule removed it"), tr("it is archived")),
            (tr("`longshore tags ls REPOSITORY` lists what is there"),),
        ),
        Explanation(
            "image-tag-already-exists",
            1,
            tr("The tag exists already and the repository does not let tags be moved."),
            (tr("an earlier build pushed the same tag"),),
            (
                tr("use a new tag"),
                tr("or except the pattern: `mutability: {default: immutable, except: [...]}`"),
            ),
        ),
        Explanation(
            "image-already-exists",
            1,
            tr("The very same image is there under the very same tag."),
            (),
            (tr("nothing is to be done"),),
        ),
        Explanation(
            "repository-not-empty",
            1,
            tr("The repository still holds images, so ECR does not delete it."),
            (),
            (tr("look at them first: `longshore tags ls REPOSITORY`"),),
        ),
        Explanation(
            "repository-already-exists",
            1,
            tr("A repository of this name is there already."),
            (tr("somebody made it at the same moment"),),
            (tr("run the command again: it finds the repository"),),
        ),
    ]


def _settings() -> list[Explanation]:
    return [
        Explanation(
            "invalid-parameter",
            1,
            tr("AWS does not take a value that it was given."),
            (tr("a name or tag with letters that ECR refuses"), tr("a policy with a mistake")),
            (tr("correct the value that the message names"),),
        ),
        Explanation(
            "kms",
            1,
            tr("The KMS key that the repository is encrypted with cannot be used."),
            (tr("the key is disabled or deleted"), tr("the caller may not use it")),
            (tr("check the key and its policy in KMS"),),
        ),
        Explanation(
            "limit-exceeded",
            6,
            tr("A quota of ECR is reached."),
            (tr("images per repository, repositories, tags per image"),),
            (tr("ask for more in Service Quotas, or remove what is not needed"),),
        ),
        Explanation(
            "blocked-by-organization-policy",
            1,
            tr("A policy of the AWS organization forbids this."),
            (),
            (tr("ask whoever manages the organization's policies"),),
        ),
    ]


def _brief() -> dict[str, str]:
    """Code and meaning of the others."""
    return {
        "empty-upload": tr("An upload was ended before anything was sent."),
        "exclusion-already-exists": tr("The exclusion from recorded pulls is there already."),
        "exclusion-not-found": tr("There is no such exclusion from recorded pulls."),
        "image-archived": tr("The image is in the archive; it must be restored before a pull."),
        "image-digest-does-not-match": tr("The digest is not that of the manifest."),
        "image-storage-class-update-not-supported": tr("This image cannot change its storage."),
        "invalid-layer": tr("The layer does not have the digest that was announced."),
        "invalid-layer-part": tr("A part of an upload does not follow the one before it."),
        "invalid-tag-parameter": tr("AWS does not take a resource tag."),
        "layer-already-exists": tr("The layer is there already."),
        "layer-inaccessible": tr("The layer was removed by a clean-up."),
        "layer-part-too-small": tr("A part of an upload is smaller than 5 MiB."),
        "layers-not-found": tr("The manifest refers to layers that the repository lacks."),
        "lifecycle-policy-not-found": tr("The repository has no lifecycle policy."),
        "lifecycle-policy-preview-in-progress": tr("A preview of the policy is still running."),
        "lifecycle-policy-preview-not-found": tr("There is no preview of the policy."),
        "pull-through-cache-rule-already-exists": tr("The cache rule is there already."),
        "pull-through-cache-rule-not-found": tr("There is no such cache rule."),
        "referenced-images-not-found": tr("The index refers to images that are not there."),
        "registry-policy-not-found": tr("The registry has no policy."),
        "replication-backfill-in-progress": tr("A backfill of replication is still running."),
        "replication-backfill-invalid-status": tr("The backfill is not in a state for this."),
        "replication-backfill-not-found": tr("There is no such backfill of replication."),
        "repository-policy-not-found": tr("The repository has no policy."),
        "scan-not-found": tr("The image was not scanned."),
        "secret-not-found": tr("The secret with the upstream's credentials is not there."),
        "server": tr("ECR itself failed."),
        "signing-configuration-not-found": tr("The registry has no signing configuration."),
        "template-already-exists": tr("The repository creation template is there already."),
        "template-not-found": tr("There is no such repository creation template."),
        "too-many-tags": tr("A resource cannot have more than 50 tags."),
        "unable-to-access-secret": tr("ECR may not read the secret."),
        "unable-to-decrypt-secret-value": tr("ECR cannot decrypt the secret."),
        "unable-to-get-upstream-image": tr("ECR cannot get the image from the upstream."),
        "unable-to-get-upstream-layer": tr("ECR cannot get a layer from the upstream."),
        "unable-to-list-upstream-image-referrers": tr("ECR cannot list the upstream's referrers."),
        "unsupported-image-type": tr("The image is of a kind that cannot be scanned."),
        "unsupported-upstream-registry": tr("ECR cannot cache this upstream."),
        "upload-not-found": tr("ECR does not know the upload."),
        "validation": tr("AWS does not take the request."),
    }
