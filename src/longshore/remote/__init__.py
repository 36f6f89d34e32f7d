"""The gate: all talk with the outside world; foreign exceptions are turned here. I/O.

Nothing here decides what is copied or changed. Every room gets facts, stores and our own errors.

    who             waiting, addresses       when to try again; hosts, origins, proxies (pure)
                    refusals, aws_refusals   what an error answer means (pure)
    the wire        transport                one pool of connections; the only owner of urllib3
                    traffic                  requests, pulls and bytes, counted
    a registry      credentials              docker's config file and credential helpers
                    authority                Basic and Bearer, each renewed once for all threads
                    session                  authorised requests, redirects, refusals as errors
                    downloads, uploads       blobs in and out, of exactly their size
                    referrers                signatures and SBOMs, by API or stand-in tag
                    registry                 a repository as a store (oci.store.Writable)
                    hub                      Docker Hub: tags with digests, the pull allowance
                    ecr_registry             ECR: listings by its API, bytes over /v2/
    a file          local_files              folders and tar files, never out of them
                    layout, docker_archive   OCI layouts and `docker save` archives as stores
    AWS             aws                      sessions and clients; the only owner of botocore
                    identity, ecr            typed fronts; IAM_ACTIONS beside the calls

Who builds what: a `Transport` for the process; per side and host a `Registry`, `Hub` or
`EcrRegistry` over it; `.repository(name)` of these is the store. Stores may be called from many
threads. Whoever opens a blob closes it.
"""
