"""Which Terraform resources run containers, and which attributes name their images. Pure.

Resources of machines (`image = "ubuntu-22-04-x64"`) name disks, not images; only a resource that
runs containers may name an image without tag, digest or registry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from longshore.rewrite.mentions import Pulled

# Machines, disks, system containers: `image` is no container image there.
_MACHINES = re.compile(
    r"google_compute_|azurerm_(?:linux_|windows_)?virtual_machine|azurerm_(?:shared_)?image"
    r"|azurerm_managed_disk|azurerm_orchestrated|azurerm_marketplace|digitalocean_(?:droplet|custom)"
    r"|hcloud_|linode_|openstack_|proxmox_|libvirt_|lxd_|incus_|vultr_|scaleway_(?:instance|server)"
    r"|exoscale_|upcloud_|packet_|equinix_|ovh_|oci_core|vsphere_|virtualbox_|multipass_|civo_inst"
    r"|yandex_compute_|alicloud_(?:instance|ecs_instance|image)|tencentcloud_(?:instance|image)"
    r"|ibm_(?:is|compute|pi)_|nutanix_|cloudstack_|maas_|xenorchestra_|esxi_|aws_(?:instance|ami)"
    r"|aws_launch_|aws_imagebuilder|aws_spot|aws_workspaces|aws_appstream|opennebula_|outscale_"
    r"|huaweicloud_|flexibleengine_|opentelekomcloud_|brightbox_|cherryservers_|gridscale_server"
    r"|hyperv_|vagrant_|cloudavenue_|stackit_server|ionoscloud_(?:server|vcpu|cube)|kubevirt_"
    r"|harvester_|azapi_|oneandone_|profitbricks_|genesiscloud_|cloudinit_|parallels_|lima_"
)
_CONTAINERS = re.compile(
    r"docker_|kubernetes_|kubectl_|k8s_|helm_|aws_ecs_|aws_batch_|aws_apprunner_|aws_lightsail_cont"
    r"|aws_sagemaker_|aws_codebuild_|aws_bedrockagentcore|google_cloud_run|google_cloudbuild_"
    r"|google_app_engine_flex|google_vertex_ai|google_workstations|azurerm_container_|azurerm_(?:lin"
    r"ux|windows)_(?:web_app|function)|azurerm_app_service|azurerm_function_app|azurerm_spring"
    r"|nomad_|podman_|fly_machine|fly_app|render_|railway_|koyeb_|northflank_|digitalocean_app"
    r"|scaleway_container|yandex_serverless_container|ibm_code_engine|alicloud_eci|alicloud_cr"
    r"|rancher2_|kind_cluster|k3d_|minikube_|argocd_|portainer_|dokku_|dokploy_|clevercloud_docker"
    r"|heroku_container|tencentcloud_eks_container|oci_container_instances|ovh_cloud_project_ai"
    r"|exoscale_sks|containerapp|coder_devcontainer|qovery_container"
)
_IMAGE = re.compile(
    r"(?:(?!(?:disk|boot|os|vm|machine|source|root|iso|cloud|snapshot|logo|icon|favicon|avatar"
    r"|background|banner|hero|ami|guest|template|lxc|user|profile)_)[a-z0-9]+_)*"
    r"images?\d*(?:_(?:name|uri|url|identifier|ref|reference|path|full|tag_full|repository|repo))?\Z",
    re.IGNORECASE,
)
_PARTS = re.compile(r"(?P<stem>(?:\w*_)?image_?)(?P<part>name|repository|repo|url|uri)?\Z", re.I)
_CONTAINER_WORD = re.compile(
    r"container|docker|sidecar|task_?definition|(?:^|_)pods?(?:_|\Z)|k8s_|kubernetes_",
    re.IGNORECASE,
)
_MACHINE_WORD = re.compile(
    r"droplet|virtual_?machine|(?:^|_)vms?(?:_|\Z)|boot_disk|initialize_params|(?:^|_)ami(?:_|\Z)"
    r"|node_?pool|node_?group|lxc|source_image|launch_template|bastion|instance_template",
    re.IGNORECASE,
)
_BUILD = re.compile(r"aws_codebuild_|google_cloudbuild_")
_HOST = re.compile(r"docker_|podman_|portainer_|kind_cluster|k3d_|minikube_")

# Attributes that name an image though their name does not say it.
_OWN = {
    "docker_image": {"name"},
    "docker_registry_image": {"name"},
    "kind_cluster": {"node_image"},
    "google_cloudbuild_trigger": {"name"},
    "railway_service": {"source_image"},
    "azurerm_linux_web_app": {"docker_image_name", "docker_image"},
    "scaleway_container": {"registry_image"},
}


@dataclass(frozen=True)
class Place:
    """Where an attribute stands: the resource's type, and the names above it."""

    resource: str = ""
    path: tuple[str, ...] = ()

    def below(self, *names: str) -> Place:
        """One step down."""
        return Place(self.resource, self.path + names)

    @property
    def is_machine(self) -> bool:
        """Whether an image here is a disk."""
        if _MACHINES.match(self.resource):
            return True
        return any(_MACHINE_WORD.search(one) for one in self.path)

    @property
    def runs_containers(self) -> bool:
        """Whether a bare name here is an image."""
        if self.is_machine:
            return False
        if _CONTAINERS.match(self.resource):
            return True
        return any(_CONTAINER_WORD.search(one) for one in self.path)

    def takes_bare(self, name: str) -> bool:
        """Whether an attribute of this name may name an image without tag or registry here."""
        if self.is_machine:
            return False
        return self.runs_containers or _CONTAINER_WORD.search(name) is not None

    @property
    def pulled(self) -> Pulled:
        """Who pulls what is named here."""
        if _BUILD.match(self.resource):
            return "job-start"
        return "host" if _HOST.match(self.resource) else "node"

    def names_image(self, name: str) -> bool:
        """Whether an attribute of this name is an image here."""
        own = _OWN.get(self.resource)
        if own is not None and name in own:
            return (
                name != "name"
                or self.resource != "google_cloudbuild_trigger"
                or ("step" in self.path)
            )
        if self.resource == "helm_release" or name in ("image_id", "image_ids"):
            return False
        return is_image_name(name)

    @property
    def in_images(self) -> bool:
        """Whether a name above says that these are images (`images = { web = "nginx:1" }`)."""
        return any(is_image_name(one) for one in self.path)


def is_image_name(name: str) -> bool:
    """Whether a variable or attribute of this name holds an image."""
    return _IMAGE.match(name) is not None


def tag_names(name: str) -> tuple[str, ...]:
    """The attributes that may hold the tag of the image that `name` holds."""
    found = _PARTS.match(name)
    if found is None:
        return ()
    stem = found["stem"].rstrip("_")
    return (f"{stem}_tag", f"{stem}_version", f"{name}_tag")
