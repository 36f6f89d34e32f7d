"""What an image is: references, digests, manifests, platforms, and how registries speak. Pure.

Sources: OCI image-spec v1.1, OCI distribution-spec v1.1, distribution/reference.
"""
