"""Lucide's icons as inline SVG. The archive is read once: opening it takes a hundred times as long as an icon."""

from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zipfile import ZipFile


@cache
def _archive() -> ZipFile:
    # In memory, so that forked web processes do not share one file's position.
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


@lru_cache(maxsize=1024)
def paths(name: str) -> str:
    """Return what is drawn inside an icon's 24 × 24 box. Raises ValueError for a name Lucide does not have."""
    try:
        source = _archive().read(f"{name}.svg").decode()
    except KeyError:
        raise ValueError(f"There is no icon {name!r}; lucide.dev/icons lists them.") from None
    inner = source[source.index(">") + 1 : source.rindex("</svg>")]
    return "".join(line.strip() for line in inner.splitlines()).replace(" />", "/>")
