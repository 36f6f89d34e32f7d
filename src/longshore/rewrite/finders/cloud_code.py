"""Infrastructure written as code: CDK, Pulumi, Airflow, Dagger and their like. Pure.

`image` means an image only where the file says that containers are made: in a call or an object
whose head speaks of containers; machines (`new Droplet({ image: … })`) name disks.
"""

from __future__ import annotations

import re

from longshore.rewrite.finders.code_rules import CallRule, CodeKind, FieldRule, rule

_SCRIPT = frozenset({"script"})
_PYTHON = frozenset({"python"})
_CONTAINERS = re.compile(
    r"[cC]ontainer|[kK]8s|kubernetes|[dD]ocker|\b[pP]od|Deployment|StatefulSet|DaemonSet|CronJob"
    r"|\bJob\b|[tT]askDef|[fF]argate|cloudrun|CloudRun|apprunner|AppRunner|awsx|sidecar"
)
_MACHINES = re.compile(
    r"[dD]roplet|compute\.|VirtualMachine|initializeParams|initialize_params|bootDisk|boot_disk"
    r"|ec2\.|hcloud|linode|openstack|vsphere|proxmox|InstanceTemplate|imageReference|Disk"
)
_BESIDE = frozenset(
    {"args", "volumeMounts", "ports", "env", "essential", "portMappings", "command"}
)
_AWS = CodeKind(
    "code-cdk",
    "node",
    re.compile(r"aws[-_]?cdk|software\.amazon\.awscdk|Amazon\.CDK|monocdk|cdktf|@aws-cdk"),
    (
        CallRule(
            rule("fromRegistry|from_registry|FromRegistry|ContainerImage_FromRegistry"),
            keywords=("name", "image"),
        ),
        CallRule(
            rule("fromDockerRegistry|from_docker_registry|FromDockerRegistry"), keywords=("name",)
        ),
        CallRule(rule(r"\w*_FromRegistry|\w*_FromDockerRegistry"), keywords=()),
    ),
    (
        FieldRule(rule("image"), _CONTAINERS, _BESIDE, bare=False, not_within=_MACHINES),
        FieldRule(rule("image"), re.compile("."), certain=True, not_within=_MACHINES),
    ),
)
_CDK8S = CodeKind(
    "code-cdk",
    "node",
    re.compile(r"cdk8s"),
    fields=(FieldRule(rule("image"), re.compile(r"."), not_within=_MACHINES),),
)
_PULUMI = CodeKind(
    "code-pulumi",
    "node",
    re.compile(r"@pulumi/|\bpulumi[_.]|import pulumi|pulumi/sdk|com\.pulumi|using Pulumi|pulumi-"),
    (
        CallRule(
            rule("RemoteImage"),
            path=re.compile("docker"),
            argument=None,
            keywords=("name",),
        ),
        CallRule(rule("image"), path=re.compile("Container"), keywords=()),
        CallRule(rule("image"), path=re.compile(r"\)"), keywords=(), certain=True),
    ),
    (
        FieldRule(rule("image|Image"), _CONTAINERS, _BESIDE, not_within=_MACHINES),
        FieldRule(rule("image|Image"), re.compile("."), certain=True, not_within=_MACHINES),
        FieldRule(
            rule("linux_fx_version|linuxFxVersion|LinuxFxVersion"),
            re.compile("."),
            prefix="DOCKER|",
        ),
        FieldRule(rule("name|Name"), re.compile(r"RemoteImage(?:Args)?\b[^|]*(?:\||\Z)")),
        FieldRule(rule("imageName|image_name|ImageName"), _CONTAINERS, bare=False, role="push"),
    ),
)
_AIRFLOW = CodeKind(
    "code-airflow",
    "node",
    re.compile(r"\bairflow\b|KubernetesPodOperator|DockerOperator"),
    (
        CallRule(
            rule(r"\w*(?:DockerOperator|DockerSwarmOperator|PodOperator)|\w*KubernetesPod\w*"),
            argument=None,
        ),
        CallRule(rule("docker|kubernetes"), path=re.compile(r"task\Z"), argument=None),
        CallRule(rule("V1Container|Container"), argument=None),
    ),
    languages=_PYTHON,
)
_KUBERNETES = CodeKind(
    "code-kubernetes",
    "node",
    re.compile(r"\bkubernetes\b|\bkfp\b|\bhera\b|\bmodal\b|\bflytekit\b|\bprefect\b|\bdagster\b"),
    (
        CallRule(rule("V1Container|V1EphemeralContainer|ContainerOp|ContainerSpec"), argument=None),
        CallRule(rule("Container|ContainerTask"), argument=None, bare=False),
        CallRule(
            rule("component"), path=re.compile(r"dsl|kfp"), argument=None, keywords=("base_image",)
        ),
        CallRule(rule("component"), argument=None, keywords=("base_image",)),
        CallRule(rule("from_registry"), path=re.compile(r"Image\Z"), keywords=("tag",)),
    ),
    languages=_PYTHON,
)
_DAGGER = CodeKind(
    "code-dagger",
    "build",
    re.compile(r"\b[dD]agger\b|\bdag\."),
    (
        CallRule(
            rule("from|From|from_"),
            path=re.compile(r"(?:\)|[cC]ontainer|ctr|\bc|base|[bB]uilder|runner|image)\Z"),
            keywords=("address",),
        ),
        CallRule(rule("publish"), keywords=("address",), certain=True, role="push"),
        CallRule(rule("Publish"), argument=1, keywords=(), certain=True, role="push"),
    ),
)

KINDS = (_AWS, _CDK8S, _PULUMI, _AIRFLOW, _KUBERNETES, _DAGGER)
