"""The PostgreSQL and Redis to talk to: the ones named, else embedded ones in the data folder."""

from pathlib import Path


def urls(*, data_dir: Path, database_url: str, redis_url: str) -> tuple[str, str]:
    """Return (database URL, Redis URL)."""
    return (
        database_url or "postgresql://localhost/cs",
        redis_url or "redis://localhost:6379/0",
    )
