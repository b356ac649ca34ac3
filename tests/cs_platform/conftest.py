import shutil
import tempfile
from pathlib import Path

import pytest

from cs_platform import servers


@pytest.fixture
def data_dir():
    """A data folder that the servers' user can reach, below a folder that is not ours to change."""
    parent = Path(tempfile.mkdtemp(prefix="cs-servers-"))
    parent.chmod(0o755)
    yield parent / "data"
    servers.wait_until_stopped(data_dir=parent / "data", timeout_seconds=20)
    servers.destroy(data_dir=parent / "data")
    shutil.rmtree(parent, ignore_errors=True)
