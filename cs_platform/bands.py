"""How each health band looks: its word, its shape, its class. Never colour alone.

Unknown is a band of its own, not 0; a band nobody knows is shown as unknown.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Band:
    key: str
    word: str
    css: str
    shape: str
    """The path of its shape in a 10 × 10 box: disc, triangle, diamond, ring."""


BANDS = {
    band.key: band
    for band in (
        Band("red", "At risk", "band-red", "M5 0L10 5L5 10L0 5Z"),
        Band("yellow", "Watch", "band-yellow", "M5 .6L10 9.4L0 9.4Z"),
        Band("green", "Healthy", "band-green", "M5 .5A4.5 4.5 0 1 1 5 9.5A4.5 4.5 0 1 1 5 .5Z"),
        Band("unknown", "No score", "band-unknown", "M2 3.5H8V6.5H2Z"),
    )
}


def band_of(key: str | None) -> Band:
    return BANDS.get(key or "unknown", BANDS["unknown"])
