"""What the images of a tree weigh at Docker Hub, and what they would cost in ECR. I/O."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from longshore.cli import wiring
from longshore.cli.frame import App
from longshore.cli.stores import Opener
from longshore.errors import LongshoreError
from longshore.oci.reference import parse_reference
from longshore.policy.prices import STORAGE, monthly_storage
from longshore.rewrite.assessment import Sizes
from longshore.rewrite.survey import MergedImage
from longshore.text import tr

_THREADS = 4


def read_sizes(app: App, images: Sequence[MergedImage]) -> Sizes:
    """Ask the Hub (or the embedded one) for each tag in use. Costs no pull.

    A reference whose tag is open, or that the Hub does not know, is named as unknown. Raises the
    Hub's error when it does not answer at all.
    """
    config = wiring.find_config(app.settings, app.environ)
    opened = wiring.open_caller(app.settings, app.environ) if app.settings.local else None
    opener = Opener(app.settings, app.environ, _THREADS, opened, config)
    references = [one for image in images for one in image.references]
    with ThreadPoolExecutor(_THREADS) as pool:
        sizes = list(pool.map(lambda text: _size(opener, text), references))
    known = [size for size in sizes if isinstance(size, int)]
    errors = [size for size in sizes if isinstance(size, LongshoreError)]
    if errors and not known:
        raise errors[0]
    total = sum(known)
    unknown = [
        text for text, size in zip(references, sizes, strict=True) if not isinstance(size, int)
    ]
    price = tr(
        "${price} per GB-month, {date}, {region}",
        price=f"{STORAGE.usd_per_gb_month:.2f}",
        date=STORAGE.read_on,
        region=STORAGE.region,
    )
    return Sizes(total, monthly_storage(total), len(known), tuple(unknown), price, bool(opened))


def _size(opener: Opener, text: str) -> int | LongshoreError | None:
    from longshore.remote.hub import HubRepository

    if text.endswith(":?"):
        return None
    reference = parse_reference(text)
    try:
        store = opener.source(reference)
        if not isinstance(store, HubRepository):
            return None
        return store.read_size(reference.tag or "latest")
    except LongshoreError as error:
        return error
