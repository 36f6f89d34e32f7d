"""What registry clients, scanners and signers name on their command lines. Pure.

crane, regctl, skopeo, oras, cosign, notation; trivy, grype, syft, dive, dockle, snyk; buildah,
ctr, crictl, apptainer. A rule says which bare words are images, and in which role.

Sources: google/go-containerregistry `cmd/crane/doc`, regclient/regclient `docs`,
containers/skopeo `docs`, oras.land/docs/commands, trivy.dev/docs, docs.sigstore.dev/cosign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from longshore.rewrite.finders import container_commands as docker
from longshore.rewrite.finders.command_options import looks_like_image, may_be_image, read_line
from longshore.rewrite.finders.container_commands import Named, image, transportless
from longshore.rewrite.finders.container_options import RUN_FLAGS, RUN_VALUED, names
from longshore.rewrite.mentions import OPEN, Role
from longshore.rewrite.syntax.shell_values import Field


@dataclass(frozen=True)
class Rule:
    """How to read one verb of a program.

    `words` are the roles of the bare words in order; "" is no image, the last one repeats when
    `many`. `last`: only the last word counts, and only if it looks like an image. `options` are
    options whose value is an image.
    """

    words: tuple[Role | str, ...] = ()
    many: bool = False
    last: bool = False
    options: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A program: its verbs (one or two words), and its options with and without values."""

    verbs: Mapping[str, Rule]
    valued: frozenset[str]
    flags: frozenset[str]
    otherwise: Rule | None = None
    logins: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    schemes: frozenset[str] = frozenset()


def _verbs(text: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys((one.strip() for one in text.split(",")), rule)


_PULLS = Rule(("pull",))
_TARGET: dict[str, Role] = {"t": "push", "tag": "push"}
_CRANE = Program(
    {
        **_verbs("copy, cp", Rule(("pull", "push"))),
        **_verbs("digest, manifest, config, export, ls, validate, blob", _PULLS),
        **_verbs("mutate, flatten, rebase", Rule(("pull",), options=_TARGET)),
        **_verbs("append", Rule((), options={"b": "pull", "base": "pull", **_TARGET})),
        **_verbs("index filter", Rule(("pull",), options=_TARGET)),
        **_verbs("index append", Rule(("pull",), options={"m": "pull", **_TARGET})),
        **_verbs("tag, delete", Rule(("tag", ""))),
        **_verbs("push", Rule(("", "push"))),
        **_verbs("pull", Rule(("pull", ""))),
    },
    names(
        "platform t tag new_tag b base f new_layer m manifest label l annotation a set-platform "
        "entrypoint cmd env e user u workdir w exposed-ports output o format c cache_path j jobs "
        "repo append old_base new_base original remote tarball index image-refs"
    ),
    names("insecure verbose v allow-nondistributable-artifacts full-ref omit-digest-tags "
          "no-clobber n all-tags a flatten annotate-ref fast"),
    logins=frozenset({"auth login"}),
)  # fmt: skip
_SKOPEO = Program(
    {
        **_verbs("copy, sync", Rule(("pull", "push"))),
        **_verbs("inspect, list-tags", _PULLS),
        **_verbs("delete", Rule(("tag",))),
    },
    names(
        "src-creds dest-creds creds authfile src-authfile dest-authfile format f override-arch "
        "override-os override-variant retry-times policy command-timeout tmpdir registries.d "
        "sign-by sign-by-sigstore sign-passphrase-file digestfile additional-tag encrypt-layer "
        "decryption-key multi-arch src-cert-dir dest-cert-dir cert-dir src-daemon-host retry-delay "
        "dest-daemon-host src dest s d dest-compress-format dest-compress-level src-username "
        "src-password dest-username dest-password username password src-registry-token u p "
        "dest-registry-token registry-token image-parallel-copies"
    ),
    names(
        "all a quiet q insecure-policy debug preserve-digests remove-signatures raw config "
        "no-creds src-no-creds dest-no-creds dest-compress dest-decompress scoped keep-going "
        "dry-run no-tags n src-tls-verify dest-tls-verify tls-verify "
        "dest-oci-accept-uncompressed-layers dest-precompute-digests append-suffix"
    ),
    logins=frozenset({"login"}),
    prefixes=("docker://",),
)
_REGCTL = Program(
    {
        **_verbs("image copy, image cp", Rule(("pull", "push"))),
        **_verbs("image mod, image delete", Rule(("tag",))),
        **_verbs("image digest, image manifest, image inspect, image config, image export", _PULLS),
        **_verbs("image get-file, image ratelimit, image check-base, image create", _PULLS),
        **_verbs("manifest get, manifest head, manifest diff, tag ls, tag list", _PULLS),
        **_verbs("manifest put, image import", Rule(("push",))),
        **_verbs("tag delete, tag rm, manifest delete, index add", Rule(("tag",))),
        **_verbs("artifact get, artifact list, artifact tree", _PULLS),
        **_verbs("artifact put", Rule(("push",))),
    },
    names("platform p format v verbosity host logopt create base-name base-ref content-type "
          "referrers-tgt referrers-src include exclude media-type user-agent file f m"),
    names("list require-list digest-tags force-recursive fast referrers include-external "
          "force-tag-dereference replace"),
    logins=frozenset({"registry login"}),
)  # fmt: skip
_ORAS = Program(
    {
        **_verbs("copy, cp", Rule(("pull", "push"))),
        **_verbs("pull, discover, resolve, manifest fetch, manifest fetch-config", _PULLS),
        **_verbs("blob fetch, repo tags, repo show-tags", _PULLS),
        **_verbs("push, attach, manifest push, blob push", Rule(("push", ""))),
        **_verbs("tag, manifest delete", Rule(("tag", ""))),
    },
    names("o output config annotation-file annotation a artifact-type username u password p "
          "platform format registry-config concurrency media-type from-username from-password "
          "to-username to-password export-manifest image-spec ca-file header H distribution-spec "
          "from-registry-config to-registry-config identity-token template"),
    names("r recursive d debug v verbose plain-http insecure allow-path-traversal k force "
          "keep-old-files disable-path-validation password-stdin descriptor pretty oci-layout "
          "from-oci-layout to-oci-layout from-plain-http to-plain-http no-tty full-ref"),
    logins=frozenset({"login"}),
)  # fmt: skip
_COSIGN = Program(
    {
        **_verbs("sign, attest, attach sbom, attach attestation", Rule(("push",), last=True)),
        **_verbs("attach signature, clean", Rule(("push",), last=True)),
        **_verbs("verify, verify-attestation, download sbom, download signature", Rule(last=True)),
        **_verbs("download attestation, triangulate, tree, save", Rule(last=True)),
        **_verbs("copy", Rule(("pull", "push"))),
    },
    names("key k a annotations certificate cert certificate-identity certificate-oidc-issuer "
          "certificate-identity-regexp certificate-oidc-issuer-regexp predicate type sbom "
          "rekor-url fulcio-url oidc-issuer identity-token timeout payload signature attachment "
          "output o output-file output-signature output-certificate policy bundle"),
    names("yes y recursive r verbose d force f tlog-upload insecure-ignore-tlog local-image "
          "insecure-ignore-sct allow-insecure-registry allow-http-registry upload check-claims "
          "private-infrastructure keyless offline"),
    logins=frozenset({"login"}),
)  # fmt: skip
_NOTATION = Program(
    _verbs("sign, verify, inspect, list, ls", Rule(last=True)),
    names("k key id plugin signature-format e expiry u username p password m user-metadata o"),
    names("d debug v verbose insecure-registry allow-referrers-api oci-layout"),
    logins=frozenset({"login"}),
)
_TRIVY = Program(
    {
        **_verbs("image, i", Rule(("pull",))),
        **_verbs("fs, filesystem, repo, repository, config, conf, k8s, rootfs, sbom, vm", Rule()),
        **_verbs("plugin, module, server, client, clean, version, convert, registry", Rule()),
        **_verbs("kubernetes, aws, help, completion", Rule()),
    },
    names(
        "severity s format f output o exit-code template t vuln-type pkg-types scanners timeout "
        "security-checks cache-dir ignorefile input platform image-src username password c "
        "ignore-policy db-repository java-db-repository checks-bundle-repository skip-dirs "
        "skip-files cache-backend cache-ttl token token-header server config custom-headers "
        "ignored-licenses secret-config vex image-config-scanners exit-on-eol report compliance "
        "detection-priority parallel ignore-status registry-token max-image-size sbom-sources "
        "policy policy-bundle-repository rekor-url docker-host podman-host distro offline-db"
    ),
    names(
        "quiet q ignore-unfixed no-progress light debug d list-all-pkgs skip-db-update skip-update "
        "skip-java-db-update removed-pkgs insecure reset clear-cache download-db-only offline-scan "
        "dependency-tree license-full include-dev-deps generate-default-config "
        "no-cache auto-refresh skip-check-update show-suppressed include-non-failures "
        "only-update refresh version v "
        "skip-version-check disable-telemetry"
    ),
    otherwise=Rule(("pull",), last=True),
)
_SYFT_SCHEMES = names(
    "dir file sbom docker-archive oci-archive oci-dir oci-layout purl cpe singularity pkg "
    "snap oci-model containerd"
)
_GRYPE = Program(
    {**_verbs("db, version, completion, explain, config", Rule()), **_verbs("packages", _PULLS)},
    names("o output file template t c config fail-on f scope s platform distro name exclude q "
          "only-notfixed vex key file sort-by from") - {"q", "only-notfixed"},
    names("v vv quiet q only-fixed only-notfixed add-cpes-if-none by-cve show-suppressed verbose"),
    otherwise=_PULLS,
    prefixes=("registry:", "docker:", "podman:"),
    schemes=_SYFT_SCHEMES,
)  # fmt: skip
_SYFT = Program(
    {
        **_verbs("scan, packages, attest", _PULLS),
        **_verbs("convert, login, version, completion, cataloger, config", Rule()),
    },
    names("o output file t template c config scope s platform exclude source-name from name "
          "source-version source-supplier base-path select-catalogers override-default-catalogers "
          "key k parallelism enrich format"),
    names("v vv quiet q verbose"),
    otherwise=_PULLS,
    prefixes=("registry:", "docker:", "podman:"),
    schemes=_SYFT_SCHEMES,
)  # fmt: skip
_DIVE = Program(
    _verbs("build, version", Rule()),
    names("source config ci-config highestUserWastedPercent lowestEfficiency highestWastedBytes j"),
    names("ci i ignore-errors v version"),
    otherwise=_PULLS,
    prefixes=("docker://", "podman://"),
)
_DOCKLE = Program(
    {},
    names("exit-code exit-level i ignore ak accept-key af accept-file ae f format o output input "
          "c cache-dir username u password p authurl timeout sensitive-word"),
    names("d debug q quiet no-color insecure use-xdg version-check"),
    otherwise=Rule(("pull",), last=True),
)  # fmt: skip
_SNYK = Program(
    {
        **_verbs("container test, container monitor, container sbom", _PULLS),
        **_verbs("test, monitor, auth, config, code test, iac test, sbom, policy, fix", Rule()),
    },
    names("file severity-threshold org project-name target-reference policy-path username "
          "password platform format fail-on sarif-file-output json-file-output"),
    names("json sarif docker exclude-base-image-vulns app-vulns exclude-app-vulns print-deps d"),
)  # fmt: skip
_CTR = Program(
    {
        **_verbs("images pull, image pull, i pull, content fetch", _PULLS),
        **_verbs("images push, image push, i push", Rule(("push",))),
        **_verbs("images tag, image tag, i tag", Rule(("tag",), many=True)),
        **_verbs("run, c create, container create, containers create", Rule(("pull", ""))),
    },
    names("n namespace a address timeout connect-timeout u user platform hosts-dir snapshotter "
          "runtime mount env cwd net-host-file label log-uri pid-file memory-limit cpus gpus "
          "tlscacert tlscert tlskey refresh max-concurrent-downloads manifest"),
    names("debug k skip-verify plain-http all-platforms local print-chainid rm t tty d detach "
          "privileged net-host read-only force all-metadata null-io"),
)  # fmt: skip
_CRICTL = Program(
    {**_verbs("pull", _PULLS), **_verbs("rmi, inspecti", Rule(("tag",), many=True, last=True))},
    names("r runtime-endpoint i image-endpoint c config t timeout creds auth u pod-config a"),
    names("D debug q quiet"),
)
_APPTAINER = Program(
    {
        **_verbs("run, exec, shell, test, instance start, instance run", Rule(("pull", ""))),
        **_verbs("pull, build", Rule(("", "pull"))),
    },
    RUN_VALUED | names("B bind H home S scratch W pwd overlay o s pe nv-opt arch dir name"),
    RUN_FLAGS | names("nv rocm cleanenv e contain containall C writable writable-tmpfs fakeroot f "
                      "force F no-home sandbox s notest remote r disable-cache no-https silent"),
    prefixes=("docker://",),
)  # fmt: skip
PROGRAMS: dict[str, Program] = {
    "crane": _CRANE,
    "gcrane": _CRANE,
    "skopeo": _SKOPEO,
    "regctl": _REGCTL,
    "oras": _ORAS,
    "cosign": _COSIGN,
    "notation": _NOTATION,
    "trivy": _TRIVY,
    "grype": _GRYPE,
    "syft": _SYFT,
    "dive": _DIVE,
    "dockle": _DOCKLE,
    "snyk": _SNYK,
    "ctr": _CTR,
    "crictl": _CRICTL,
    "singularity": _APPTAINER,
    "apptainer": _APPTAINER,
}
_ONLY_WITH_PREFIX = {"skopeo", "singularity", "apptainer"}


def registry_command(program: str, fields: Sequence[Field]) -> Iterator[Named]:
    """What a line of one of `PROGRAMS` names; `fields[0]` is the program."""
    known = PROGRAMS[program]
    line = read_line(fields[1:], known.valued, known.flags)
    verb, words = _verb(known, [one.text for one in line.words])
    rest = line.words[words:]
    if verb in known.logins:
        last = line.words[words - 1]
        yield from docker.login(fields, last, fields[fields.index(last) + 1 :])
        return
    rule = known.verbs.get(verb, known.otherwise)
    if rule is None:
        return
    for name, role in rule.options.items():
        for one in line.of(name):
            yield from image(one, role)
    if verb == "sync" and [one.text for one in line.of("src", "s")] == ["docker"]:
        yield from (named for one in rest[:1] for named in image(one, "pull"))
    elif program in _ONLY_WITH_PREFIX:
        yield from _prefixed(known, rule, rest)
    elif rule.last:
        role = _role(rule.words[0] if rule.words else "pull")
        yield from (named for one in rest[-1:] for named in _looking(one, role, known))
    else:
        for one, said in zip(rest, _roles(rule, len(rest)), strict=False):
            bare = _bare(one, known) if said else None
            if bare is not None:
                yield from image(bare, _role(said), line)


def _verb(known: Program, words: Sequence[str]) -> tuple[str, int]:
    """The program's verb and how many words it has."""
    for count in (2, 1):
        said = " ".join(words[:count])
        if len(words) >= count and (said in known.verbs or said in known.logins):
            return said, count
    return "", 0


def _roles(rule: Rule, count: int) -> list[str]:
    roles = list(rule.words)
    if rule.many and roles:
        roles += [roles[-1]] * (count - len(roles))
    return roles


def _role(said: str) -> Role:
    roles: dict[str, Role] = {"push": "push", "tag": "tag"}
    return roles.get(said, "pull")


def _bare(one: Field, known: Program) -> Field | None:
    scheme, colon, rest = one.text.partition(":")
    if colon and scheme in known.schemes:
        return None
    for prefix in known.prefixes:
        wanted = may_be_image if prefix.endswith("//") else looks_like_image
        if one.text.startswith(prefix) and wanted(rest.removeprefix("//")):
            return one.after(len(prefix))
    return transportless(one)


def _looking(one: Field, role: Role, known: Program) -> Iterator[Named]:
    bare = _bare(one, known)
    if bare is None:
        return
    sure = OPEN in bare.text or known in (_TRIVY, _DOCKLE)
    if looks_like_image(bare.text) or (sure and may_be_image(bare.text)):
        yield Named(bare, role)


def _prefixed(known: Program, rule: Rule, words: Sequence[Field]) -> Iterator[Named]:
    """Only words with `docker://` are images; `oci:` and files are not."""
    roles = _roles(rule, len(words))
    for index, one in enumerate(words):
        for prefix in known.prefixes:
            if one.text.startswith(prefix):
                said = roles[index] if index < len(roles) and roles[index] else "pull"
                yield from image(one.after(len(prefix)), _role(said))
