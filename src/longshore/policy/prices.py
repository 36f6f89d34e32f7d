"""Prices that reports multiply by, each with its Region, its date and its source. Pure.

Source: aws.amazon.com/ecr/pricing. A GB is taken as 2^30 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

GB = 2**30


@dataclass(frozen=True)
class StoragePrice:
    """US dollars for one GB kept one month, as read on a day."""

    usd_per_gb_month: float
    region: str
    read_on: str


STORAGE = StoragePrice(0.10, "us-east-1, ap-northeast-2", "2026-11-23")


def monthly_storage(size: int, price: StoragePrice = STORAGE) -> float:
    """What so many compressed bytes cost a month.

    >>> monthly_storage(15 * GB)
    1.5
    """
    return size / GB * price.usd_per_gb_month
