"""What tools of clusters, clouds and builders name on their command lines. Pure.

kubectl and oc, helm, kind, k3d, minikube; gcloud, az, flyctl; buildah, pack, act, gitlab-runner and
others that take an image in an option.

Sources: kubernetes.io/docs/reference/kubectl, helm.sh/docs/helm, kind.sigs.k8s.io, k3d.io,
minikube.sigs.k8s.io, cloud.google.com/sdk/gcloud/reference, learn.microsoft.com/cli/azure,
buildpacks.io/docs, nektosact.com.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from longshore.rewrite.finders import container_commands as docker
from longshore.rewrite.finders.command_options import looks_like_image, may_be_image, read_line
from longshore.rewrite.finders.container_commands import Named, image
from longshore.rewrite.finders.container_options import names
from longshore.rewrite.mentions import OPEN, Role
from longshore.rewrite.syntax.shell_values import Field

_KUBECTL_VALUED = names(
    "n namespace context kubeconfig l selector f filename o output image replicas port env "
    "overrides restart command-file labels schedule from container c target profile as token s "
    "server cluster user request-timeout v p patch type docker-image name image-pull-policy "
    "serviceaccount limits requests field-manager dry-run to cpus strategy param template custom "
    "copy-to set-image annotations timeout grace-period"
)
_KUBECTL_FLAGS = names(
    "i t it ti tty stdin rm attach quiet q wait record local all expose command save-config "
    "leave-stdin-open allow-missing-template-keys insecure-skip-tls-verify confirm scheduled "
    "share-processes replace same-node keep-annotations A all-namespaces force as-deployments"
)


def kubectl(fields: Sequence[Field]) -> Iterator[Named]:
    """`kubectl run --image=X`, `set image deploy/x c=X`, `create deployment --image=X`, `debug`."""
    line = read_line(fields[1:], _KUBECTL_VALUED, _KUBECTL_FLAGS)
    verbs = [one.text for one in line.words[:2]]
    if not verbs:
        return
    if verbs[:1] == ["set"] and verbs[1:] == ["image"]:
        for one in line.words[2:]:
            name, equals, _ = one.text.partition("=")
            if equals:
                yield from image(one.after(len(name) + 1), "pull")
    elif verbs[0] in {"run", "create", "debug", "new-app", "import-image", "new-build"}:
        for one in line.of("image", "docker-image", "set-image"):
            yield from image(_behind_equals(one, line.of("set-image")), "pull")
        if verbs[0] == "import-image":
            for one in line.of("from"):
                yield from image(one, "pull")
    elif verbs[0] == "tag" and fields[0].text.endswith("oc"):
        for one in line.words[1:2]:
            if looks_like_image(one.text) and "." in one.text.split("/")[0]:
                yield Named(one, "pull")


def _behind_equals(one: Field, pairs: Sequence[Field]) -> Field:
    name, equals, _ = one.text.partition("=")
    return one.after(len(name) + 1) if equals and one in pairs else one


_HELM_VALUED = names(
    "n namespace f values version set set-string set-json set-file set-literal timeout "
    "kube-context kubeconfig repo username password ca-file cert-file key-file keyring "
    "description history-max post-renderer post-renderer-args o output d destination "
    "untardir a api-versions kube-version name-template s show-only output-dir app-version u p "
    "registry-config repository-config repository-cache kube-apiserver kube-token labels l max"
)
_HELM_FLAGS = names(
    "install i wait wait-for-jobs atomic debug dry-run create-namespace reuse-values reset-values "
    "reset-then-reuse-values force cleanup-on-fail devel dependency-update no-hooks untar "
    "plain-http insecure-skip-tls-verify verify generate-name g render-subchart-notes skip-crds "
    "include-crds is-upgrade validate skip-tests disable-openapi-validation replace prov insecure "
    "insecure-skip-tls-verify pass-credentials hide-notes rollback-on-failure take-ownership q"
)
_HELM_PAIR = re.compile(r"(?:[^,\\]|\\.)+")


def helm(fields: Sequence[Field]) -> Iterator[Named]:
    """`--set image.repository=X,image.tag=Y`, and charts from `oci://`."""
    line = read_line(fields[1:], _HELM_VALUED, _HELM_FLAGS)
    verbs = [one.text for one in line.words[:2]]
    if verbs == ["registry", "login"]:
        rest = fields[fields.index(line.words[1]) + 1 :]
        yield from docker.login(fields, line.words[1], rest)
        return
    versions = line.of("version")
    for one in line.words[1:]:
        if one.text.startswith("oci://"):
            chart = one.after(len("oci://"))
            named = chart.text + (f":{versions[0].text}" if versions and versions[0].text else "")
            role: Role = "push" if verbs[0] == "push" else "pull"
            if may_be_image(named):
                yield Named(chart, role, value=named)
    yield from _helm_values(line.of("set", "set-string"))


def _helm_values(given: Sequence[Field]) -> Iterator[Named]:
    pairs: dict[str, Field] = {}
    for one in given:
        for found in _HELM_PAIR.finditer(one.text):
            key, equals, _ = found[0].partition("=")
            if equals:
                pairs[key.strip()] = one.until(found.end()).after(found.start() + len(key) + 1)
    for key, value in pairs.items():
        head, _, last = key.rpartition(".")
        if last in {"repository", "name"} and ("image" in head.lower() or f"{head}.tag" in pairs):
            yield from _composed(value, pairs.get(f"{head}.registry"), pairs.get(f"{head}.tag"))
        elif last.lower().endswith("image") and looks_like_image(value.text):
            tag = pairs.get(f"{head}.imageTag" if head else "imageTag")
            yield from _composed(value, None, tag)


def _composed(repository: Field, registry: Field | None, tag: Field | None) -> Iterator[Named]:
    text = repository.text
    if registry is not None and registry.text:
        text = f"{registry.text}/{text}"
    if tag is not None and tag.text and "@" not in text:
        text = f"{text}:{tag.text}"
    if repository.text and may_be_image(text):
        yield Named(repository, "pull", value=text)


def kind(fields: Sequence[Field]) -> Iterator[Named]:
    """`kind create cluster --image X`, `kind load docker-image X`."""
    line = read_line(fields[1:], names("name image config kubeconfig wait v verbosity nodes"), ())
    verbs = [one.text for one in line.words[:2]]
    for one in line.of("image") if verbs == ["create", "cluster"] else ():
        yield from image(one, "pull")
    if verbs == ["load", "docker-image"]:
        for one in line.words[2:]:
            yield from image(one, "tag")
    if verbs == ["build", "node-image"]:
        for one in line.of("image"):
            yield Named(one, "build-output", built=True)


def k3d(fields: Sequence[Field]) -> Iterator[Named]:
    """`k3d cluster create -i X`, `k3d image import X`."""
    valued = names(
        "i image c cluster p port v volume a agents s servers config k3s-arg registry-use"
    )
    line = read_line(fields[1:], valued | names("api-port network env e timeout token"), ())
    verbs = [one.text for one in line.words[:2]]
    for one in line.of("i", "image") if "create" in verbs else ():
        if one.text not in {"latest", "stable", "+v1"} and looks_like_image(one.text):
            yield Named(one, "pull")
    if verbs in (["image", "import"], ["images", "import"]):
        for one in line.words[2:]:
            if looks_like_image(one.text) and not one.text.endswith((".tar", ".tgz")):
                yield Named(one, "tag")


def minikube(fields: Sequence[Field]) -> Iterator[Named]:
    """`minikube image load X`, `cache add X`, `start --base-image X`."""
    valued = names("p profile base-image driver cpus memory kubernetes-version t tag f file addons")
    line = read_line(fields[1:], valued, names("overwrite daemon remote all push"))
    verbs = [one.text for one in line.words[:2]]
    for one in line.of("base-image"):
        yield from image(one, "pull")
    roles: dict[str, Role] = {"load": "tag", "pull": "pull", "rm": "tag", "push": "push"}
    if verbs[:1] in (["image"], ["cache"]) and len(verbs) > 1:
        role = "pull" if verbs == ["cache", "add"] else roles.get(verbs[1])
        for one in line.words[2:]:
            if (
                role is not None
                and looks_like_image(one.text)
                and not one.text.endswith((".tar", ".tgz"))
            ):
                yield Named(one, role)
        for one in line.of("t", "tag") if verbs[1] == "build" else ():
            yield Named(one, "build-output", built=True)


def buildah(fields: Sequence[Field]) -> Iterator[Named]:
    """buildah speaks docker's words, and some of its own."""
    if len(fields) < 2:
        return
    verb = fields[1].text
    if verb in {"bud", "build-using-dockerfile", "build"}:
        yield from docker.build(fields[2:])
    elif verb == "from":
        valued = names("name cert-dir creds authfile arch os variant format pull-policy volume v")
        for one in read_line(fields[2:], valued, names("pull pull-always q quiet")).words[:1]:
            yield from image(docker.transportless(one), "pull")
    elif verb == "commit":
        line = read_line(
            fields[2:], names("f format creds authfile iidfile sign-by"), names("rm q")
        )
        for one in line.words[1:2]:
            yield Named(one, "build-output", built=True)
    else:
        yield from docker.container_command(fields)


def pack(fields: Sequence[Field]) -> Iterator[Named]:
    """`pack build NAME --builder X --run-image Y`."""
    valued = names(
        "B builder run-image b buildpack e env env-file p path t tag cache-image cache descriptor "
        "d lifecycle-image network previous-image pull-policy volume default-process D gid "
        "workspace creation-time platform extension post-buildpack pre-buildpack sbom-output-dir "
        "docker-host"
    )
    line = read_line(fields[1:], valued, names("publish clear-cache trust-builder verbose v q"))
    verb = line.words[0].text if line.words else ""
    for one in line.of("B", "builder", "run-image", "lifecycle-image"):
        yield from image(one, "pull")
    for one in line.of("cache-image"):
        yield from image(one, "cache")
    for one in line.of("b", "buildpack"):
        for prefix in ("docker://", "docker:/"):
            if one.text.startswith(prefix):
                yield from image(one.after(len(prefix)), "pull")
                break
    pushed = any(name == "publish" for name, _ in line.options)
    if verb == "build":
        for one in [*line.words[1:2], *line.of("t", "tag")]:
            if may_be_image(one.text):
                yield Named(one, "push" if pushed else "build-output", built=not pushed)
    elif verb == "config" and len(line.words) > 2:
        yield from image(line.words[2], "pull")


def act(fields: Sequence[Field]) -> Iterator[Named]:
    """`act -P ubuntu-latest=IMAGE`."""
    for one in read_line(fields[1:], names("P platform W workflows j job s secret e eventpath")).of(
        "P", "platform"
    ):
        label, equals, value = one.text.partition("=")
        if equals and value not in {"-self-hosted", ""}:
            yield from image(one.after(len(label) + 1), "pull")


def kustomize(fields: Sequence[Field]) -> Iterator[Named]:
    """`kustomize edit set image name=new:tag`: the new image."""
    words = read_line(fields[1:], (), ()).words
    if [one.text for one in words[:3]] != ["edit", "set", "image"]:
        return
    for one in words[3:]:
        name, equals, _ = one.text.partition("=")
        new = one.after(len(name) + 1) if equals else one
        if looks_like_image(new.text):
            yield from image(new, "pull")


_OPTIONS: dict[str, dict[str, Role]] = {
    "gcloud": {"image": "pull", "container-image": "pull"},
    "az": {
        "image": "pull",
        "source": "pull",
        "deployment-container-image-name": "pull",
        "container-image-name": "pull",
        "docker-custom-image-name": "pull",
    },
    "flyctl": {"image": "pull", "i": "pull"},
    "fly": {"image": "pull", "i": "pull"},
    "gitlab-runner": {"docker-image": "pull", "docker-helper-image": "pull"},
    "container-structure-test": {"image": "pull", "i": "pull"},
    "cst": {"image": "pull", "i": "pull"},
    "toolbox": {"image": "pull", "i": "pull"},
    "distrobox": {"image": "pull", "i": "pull"},
    "distrobox-create": {"image": "pull", "i": "pull"},
    "faas-cli": {"image": "push"},
    "ansible-navigator": {"eei": "pull", "execution-environment-image": "pull"},
    "copa": {"i": "pull", "image": "pull"},
    "checkov": {"docker-image": "pull"},
    "executor": {"destination": "push", "d": "push", "cache-repo": "cache"},
    "talosctl": {"image": "pull", "installer-image": "pull"},
    "kn": {"image": "pull"},
    "werf": {"repo": "push"},
}
_NO_IMAGE_GROUPS = {"compute instances create", "compute images", "vm create", "disk create"}


def by_options(program: str, fields: Sequence[Field]) -> Iterator[Named]:
    """Programs that take an image in an option."""
    options = _OPTIONS[program]
    line = read_line(fields[1:], {*options, "t", "tag"}, ())
    verbs = " ".join(one.text for one in line.words[:3])
    if any(verbs.startswith(group) for group in _NO_IMAGE_GROUPS):
        return
    building = verbs.startswith(("acr build", "builds submit"))
    for name, role in options.items():
        if name == "image" and "compute" in verbs:
            continue  # a machine's
        for one in line.of(name):
            if (name == "source" and not verbs.startswith("acr import")) or not one.text:
                continue
            if name == "image" and verbs.startswith("acr import"):
                continue
            yield from image(one, "push" if building else role)
    for one in line.of("tag", "t") if building else ():
        yield from image(one, "push")


_PROPERTIES: dict[str, Role] = {
    "-Djib.from.image=": "pull",
    "-Djib.to.image=": "push",
    "-Dquarkus.native.builder-image=": "pull",
    "-Dspring-boot.build-image.builder=": "pull",
    "-Dspring-boot.build-image.runImage=": "pull",
    "-Dspring-boot.build-image.imageName=": "build-output",
    "--imageName=": "build-output",
}


def properties(fields: Sequence[Field]) -> Iterator[Named]:
    """Maven and Gradle: images in `-D` properties."""
    for one in fields[1:]:
        for prefix, role in _PROPERTIES.items():
            if one.text.startswith(prefix):
                found = one.after(len(prefix))
                if looks_like_image(found.text) or (role != "pull" and may_be_image(found.text)):
                    yield Named(found, role, built=role == "build-output")
            elif OPEN in one.text:
                break


_READERS: dict[str, Callable[[Sequence[Field]], Iterator[Named]]] = {
    **dict.fromkeys(("kubectl", "oc", "k"), kubectl),
    **dict.fromkeys(("mvn", "mvnw", "gradle", "gradlew", "./mvnw", "./gradlew"), properties),
    "helm": helm,
    "helm3": helm,
    "kind": kind,
    "k3d": k3d,
    "minikube": minikube,
    "kustomize": kustomize,
    "buildah": buildah,
    "pack": pack,
    "act": act,
}
NAMES = frozenset(_READERS) | frozenset(_OPTIONS)


def cluster_command(program: str, fields: Sequence[Field]) -> Iterator[Named]:
    """What a line of one of `NAMES` names; `fields[0]` is the program."""
    reader = _READERS.get(program)
    return reader(fields) if reader is not None else by_options(program, fields)
