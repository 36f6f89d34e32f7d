"""The table of kinds whose images stand at fixed places. Pure.

Formats: each system's own reference page; see the comments.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.expansion import Dialect
from longshore.rewrite.finders.layouts import Layout

SHELL_LIKE = Dialect(
    re.compile(
        r"\$\{(?P<braced>\w{1,200})(?::?-(?P<default>[^}\n]{0,200}))?[^}\n]{0,200}\}"
        r"|\$(?P<name>[A-Za-z_]\w{0,200})"
    )
)
TEMPLATED = Dialect(re.compile(r"\{\{(?P<name>[^}\n]{1,200})\}\}"), re.compile(r"\{\{[^}\n]*\}\}"))
_CODEFRESH = Dialect(
    re.compile(r"\$\{\{(?P<name>[^}\n]{1,200})\}\}|\$(?P<braced>[A-Za-z_]\w{0,200})"),
    re.compile(r"\$\{\{[^}\n]{1,200}\}\}"),
)
_DEVFILE = Dialect(re.compile(r"\{\{\s{0,9}(?P<name>\w{1,200})\s{0,9}\}\}"))

LAYOUTS: tuple[Layout, ...] = (
    # support.atlassian.com/bitbucket-cloud/docs/bitbucket-pipelines-configuration-reference
    Layout(
        "bitbucket-pipelines",
        r"bitbucket-pipelines[^/]*\.ya?ml|\.bitbucket/[^/]*\.ya?ml",
        images=(
            "image **.step.image definitions.services.*.image **.steps.*.image definitions.**.image"
        ),
        scripts="**.script **.after-script",
        schemed="**.pipe",
        dialect=SHELL_LIKE,
    ),
    # docs.semaphoreci.com: pipeline YAML
    Layout(
        "semaphore",
        r"\.semaphore/.*\.ya?ml",
        images="**.containers.*.image",
        scripts="**.commands",
        dialect=SHELL_LIKE,
        needs="agent blocks execution_time_limit version",
    ),
    # docs.travis-ci.com: only the shell names images
    Layout(
        "travis",
        r"\.travis\.ya?ml",
        scripts=(
            "before_install install before_script script after_success "
            "jobs.include.*.before_install jobs.include.*.install "
            "jobs.include.*.before_script jobs.include.*.script "
            "jobs.include.*.after_success matrix.include.*.before_install "
            "matrix.include.*.install matrix.include.*.before_script "
            "matrix.include.*.script matrix.include.*.after_success before_deploy "
            "after_script after_deploy deploy.*.script deploy.script"
        ),
        dialect=SHELL_LIKE,
    ),
    # appveyor.com/docs/appveyor-yml: `image` is a virtual machine
    Layout(
        "appveyor",
        r"\.?appveyor\.ya?ml",
        scripts=(
            "init.* init.*.sh init.*.ps init.*.cmd init.*.pwsh install.* install.*.sh "
            "install.*.ps install.*.cmd install.*.pwsh build_script.* build_script.*.sh "
            "build_script.*.ps build_script.*.cmd build_script.*.pwsh before_build.* "
            "before_build.*.sh before_build.*.ps before_build.*.cmd before_build.*.pwsh "
            "test_script.* test_script.*.sh test_script.*.ps test_script.*.cmd "
            "test_script.*.pwsh for.*.init.* for.*.init.*.sh for.*.init.*.ps "
            "for.*.init.*.cmd for.*.init.*.pwsh for.*.install.* for.*.install.*.sh "
            "for.*.install.*.ps for.*.install.*.cmd for.*.install.*.pwsh "
            "for.*.build_script.* for.*.build_script.*.sh for.*.build_script.*.ps "
            "for.*.build_script.*.cmd for.*.build_script.*.pwsh for.*.before_build.* "
            "for.*.before_build.*.sh for.*.before_build.*.ps for.*.before_build.*.cmd "
            "for.*.before_build.*.pwsh for.*.test_script.* for.*.test_script.*.sh "
            "for.*.test_script.*.ps for.*.test_script.*.cmd for.*.test_script.*.pwsh"
        ),
    ),
    # codefresh.io/docs/docs/pipelines/steps
    Layout(
        "codefresh",
        r"\.?codefresh[^/]*\.ya?ml|\.codefresh/.*\.ya?ml",
        images="steps.**.image services.**.image spec.steps.**.image spec.services.**.image",
        scripts="steps.**.commands spec.steps.**.commands",
        dialect=_CODEFRESH,
        needs="steps spec",
    ),
    # docs.screwdriver.cd/user-guide/configuration
    Layout(
        "screwdriver",
        r"screwdriver\.ya?ml",
        images="shared.image jobs.*.image",
        scripts="shared.steps.*.* jobs.*.steps.*.* shared.steps.* jobs.*.steps.*",
        dialect=SHELL_LIKE,
    ),
    # buddy.works/docs/yaml: image and tag are split
    Layout(
        "buddy",
        r"buddy\.ya?ml|\.buddy/.*\.ya?ml",
        split=(
            ("**", "docker_registry", "docker_image_name", "docker_image_tag"),
            ("**.services.*", "registry", "docker_image_name", "docker_image_tag"),
        ),
        scripts="**.execute_commands",
        dialect=SHELL_LIKE,
    ),
    # gitpod.io/docs/references/gitpod-yml
    Layout(
        "gitpod",
        r"\.gitpod\.ya?ml",
        images="image",
        scripts="tasks.*.before tasks.*.init tasks.*.command",
        pulled="host",
    ),
    # devfile.io/docs: 2.x components, 1.x dockerimage components
    Layout(
        "devfile",
        r"\.?devfile\.ya?ml",
        images="components.*.container.image components.*.image",
        builds="components.*.image.imageName",
        variables="variables",
        dialect=_DEVFILE,
        pulled="node",
    ),
    # okteto.com/docs/reference/okteto-manifest
    Layout(
        "okteto",
        r"okteto\.ya?ml|\.okteto/.*\.ya?ml",
        images=(
            "image dev.*.image deploy.image destroy.image test.*.image services.*.image "
            "initContainer.image dev.*.initContainer.image"
        ),
        pushes="build.*.image",
        scripts="deploy.* deploy.*.command deploy.commands.* deploy.commands.*.command",
        dialect=SHELL_LIKE,
        pulled="node",
    ),
    # render.com/docs/blueprint-spec
    Layout(
        "render",
        r"render\.ya?ml",
        images="services.*.image.url **.services.*.image.url",
        pulled="host",
    ),
    # caprover.com/docs/captain-definition-file
    Layout("captain", r"captain-definition[^/]*", images="imageName", pulled="host"),
    # molecule.readthedocs.io: containers of the docker and podman drivers
    Layout(
        "molecule",
        r"molecule/.*molecule\.ya?ml|\.config/molecule/config\.ya?ml",
        images="platforms.*.image",
        dialect=SHELL_LIKE,
        pulled="test",
        skip=r"\A(?:ami-|ocid|projects/)",
    ),
    # conda-forge.org/docs/maintainer/conda_forge_yml and its generated variants
    Layout(
        "conda-forge",
        r"conda-forge\.ya?ml|\.ci_support/[^/]+\.ya?ml|conda_build_config\.ya?ml",
        images="docker_image docker.image docker_image.*",
        scripts="docker.run_args",
    ),
    # docs.taskcluster.net: payloads of docker-worker
    Layout(
        "taskcluster",
        r"\.taskcluster\.ya?ml|taskcluster/.*\.ya?ml",
        images="**.payload.image **.worker.docker-image **.payload.**.image",
        dialect=Dialect(re.compile(r"\$\{(?P<name>[^}\n]{1,200})\}")),
    ),
    # aws.github.io/copilot-cli/docs/manifest
    Layout(
        "copilot",
        r"copilot/.*manifest\.ya?ml",
        images="**.image.location **.sidecars.*.image image",
        pulled="node",
        dialect=SHELL_LIKE,
    ),
    # docs.aws.amazon.com/codebuild: build specification
    Layout(
        "codebuild",
        r"[^/]*buildspec[^/]*\.ya?ml|buildspecs?/.*\.ya?ml",
        images="batch.**.env.image",
        scripts="phases.*.commands phases.*.finally",
        variables="env.variables",
        dialect=SHELL_LIKE,
        needs="phases batch",
        skip=r"\Aaws/",
    ),
    # goreleaser.com/customization/docker
    Layout(
        "goreleaser",
        r"\.?goreleaser[^/]*\.ya?ml|\.goreleaser/.*\.ya?ml",
        images="kos.*.base_image ko.base_image builds.*.image",
        pushes=(
            "dockers.*.image_templates docker_manifests.*.name_template "
            "dockers_v2.*.images kos.*.repository kos.*.repositories dockers.*.image"
        ),
        scripts="before.hooks",
        dialect=TEMPLATED,
        pulled="build",
    ),
    # ko.build/configuration
    Layout(
        "ko",
        r"\.ko\.ya?ml",
        images="defaultBaseImage baseImageOverrides.*",
        marks=(b"mage",),
        dialect=TEMPLATED,
        pulled="build",
    ),
    # mesosphere.github.io/marathon: applications with a docker container
    Layout(
        "marathon",
        r".*marathon[^/]*\.json|.*/marathon/.*\.json|.*dcos.*\.json",
        images="**.container.docker.image **.containers.*.image.id",
        pulled="node",
        needs="container containers apps groups",
        dialect=TEMPLATED,
    ),
)
