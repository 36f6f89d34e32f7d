"""Options of docker, podman, nerdctl and finch: which take a value, which stand alone. Pure.

Names without dashes; a single letter is a short option. A table of one verb holds what all
these programs know, so that a line can be read whichever of them runs it.

Sources: docs.docker.com/reference/cli, docs.podman.io/en/latest/Commands.html,
github.com/containerd/nerdctl `docs/command-reference.md`.
"""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


RUN_VALUED = names(
    "a c e h l m p u v w "
    "add-host annotation arch attach authfile blkio-weight blkio-weight-device cap-add cap-drop "
    "cert-dir cgroup-conf cgroup-parent cgroupns cgroups chrootdirs cidfile conmon-pidfile "
    "cosign-key cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime "
    "cpu-shares cpus cpuset-cpus cpuset-mems creds decryption-key detach-keys device "
    "device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops "
    "disable-content-trust-key dns dns-opt dns-option dns-search domainname entrypoint env "
    "env-file env-merge expose gidmap gpus group-add group-entry health-cmd health-interval "
    "health-log-destination health-max-log-count health-max-log-size health-on-failure "
    "health-retries health-start-interval health-start-period health-startup-cmd "
    "health-startup-interval health-startup-retries health-startup-success "
    "health-startup-timeout health-timeout hostname hostuser hosts-file image-volume init-path "
    "io-maxbandwidth io-maxiops ip ip6 ipc ipfs-address isolation kernel-memory label label-file "
    "link link-local-ip log-driver log-opt mac-address memory memory-reservation memory-swap "
    "memory-swappiness mount name net net-alias network network-alias oom-score-adj os override "
    "passwd-entry personality pid pidfile pids-limit platform pod pod-id-file preserve-fd "
    "preserve-fds publish pull rdt-class requires restart rlimit-nofile runtime sdnotify "
    "seccomp-policy secret security-opt shm-size shm-size-systemd stop-signal stop-timeout "
    "storage-opt stop-time subgidname subuidname sysctl timeout tmpfs tz uidmap ulimit "
    "umask unsetenv user userns uts variant verify vol volume volume-driver volumes-from workdir "
    "cosign-certificate-identity cosign-certificate-identity-regexp cosign-certificate-oidc-issuer "
    "cosign-certificate-oidc-issuer-regexp namespace memory-swapiness ip-address retry retry-delay "
    "use-api-socket-path module"
)
RUN_FLAGS = names(
    "d i t P q detach interactive tty rm init privileged publish-all quiet read-only sig-proxy "
    "disable-content-trust oom-kill-disable no-healthcheck help no-hosts no-hostname "
    "env-host http-proxy read-only-tmpfs replace rmi tls-verify unsetenv-all passwd rootfs "
    "no-trunc use-api-socket cleanup dit it ti itd"
)
BUILD_VALUED = names(
    "t f o m c v D add-host allow annotation arch attest authfile build-arg build-context builder "
    "cache-from cache-to cache-ttl call cap-add cap-drop cert-dir cgroup-parent cgroupns "
    "compress-level cpp-flag cpu-period cpu-quota cpu-shares cpuset-cpus cpuset-mems cpus creds "
    "decryption-key device dns dns-option dns-search env file format from group-add hooks-dir "
    "iidfile ignorefile ipc isolation jobs label layer-label logfile manifest memory memory-swap "
    "metadata-file network no-cache-filter os os-feature os-version output pid platform "
    "policy progress provenance-file resource retry retry-delay runtime runtime-flag sbom-output "
    "sbom-image-output sbom-scanner-image secret security-opt set shm-size sign-by "
    "signature-policy ssh stage-labels-from target timestamp ulimit unsetenv userns "
    "userns-gid-map userns-uid-map uts variant volume tag source-date-epoch buildkit-host"
)
BUILD_FLAGS = names(
    "q quiet pull push load no-cache rm force-rm squash compress disable-content-trust check "
    "debug stream layers all-platforms squash-all omit-history http-proxy tls-verify "
    "skip-unused-stages rewrite-timestamp identity-label inherit-labels print"
)
SERVICE_VALUED = RUN_VALUED | names(
    "config constraint constraint-add constraint-rm container-label container-label-add "
    "container-label-rm credential-spec endpoint-mode env-add env-rm generic-resource host "
    "host-add host-rm hostname label-add label-rm limit-cpu limit-memory limit-pids mode mount-add "
    "mount-rm network-add network-rm placement-pref placement-pref-add placement-pref-rm "
    "publish-add publish-rm replicas replicas-max-per-node reserve-cpu reserve-memory "
    "restart-condition restart-delay restart-max-attempts restart-window rollback-delay "
    "rollback-failure-action rollback-max-failure-ratio rollback-monitor rollback-order "
    "rollback-parallelism secret-add secret-rm config-add config-rm stop-grace-period "
    "update-delay update-failure-action update-max-failure-ratio update-monitor update-order "
    "update-parallelism max-concurrent group group-rm dns-add dns-rm args image cap-add "
    "cap-drop"
)
SERVICE_FLAGS = names(
    "d q t detach quiet tty init read-only no-healthcheck no-resolve-image with-registry-auth "
    "force rollback"
)
PULL_VALUED = names(
    "platform arch os variant authfile creds cert-dir decryption-key signature-policy policy retry "
    "retry-delay verify unpack cosign-key namespace ipfs-address alias"
)
PULL_FLAGS = names(
    "a q all-tags quiet disable-content-trust tls-verify all-platforms cosign "
    "compress force-compression remove-signatures grant-all-permissions disable"
)
PUSH_VALUED = PULL_VALUED | names(
    "compression-format compression-level digestfile encrypt-layer encryption-key format f sign "
    "sign-by sign-by-sigstore sign-by-sigstore-private-key sign-passphrase-file"
)
LOGIN_VALUED = names("u p username password authfile cert-dir secret compat-auth-file")
LOGIN_FLAGS = names("password-stdin get-login v verbose tls-verify")
GLOBAL_VALUED = names(
    "H c l host config context log-level tlscacert tlscert tlskey connection url identity root "
    "runroot storage-driver storage-opt runtime namespace n address a cgroup-manager "
    "hosts-dir snapshotter data-root "
)
OTHER_VALUED = names("o output format f filter i input platform time author message")
SCOUT_VALUED = names(
    "format output platform only-severity org to to-env to-latest env stream ref only-package-type "
    "only-package vex-location vex-author file f exclude-base severity o e group-issues app-type "
    "only-policy only-vuln-packages epss-score epss-percentile ignore-suppressed-by token"
)
SCOUT_FLAGS = names(
    "exit-code only-fixed only-unfixed locations verbose details quiet ignore-base vex epss "
    "ignore-unchanged json accept-license login dependency-tree multi-stage all "
    "ignore-suppressed only-base"
)
