"""The lock pins everything and names no registry; THIRD_PARTY.md lists what it holds."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = json.loads((ROOT / "package-lock.json").read_text())
PACKAGES = {path.rpartition("node_modules/")[2]: package for path, package in LOCK["packages"].items() if path}


def test_package_json_pins_exactly():
    wanted = json.loads((ROOT / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {name: PACKAGES[name]["version"] for name in versions} == versions


def test_lock_names_no_registry_and_every_hash():
    assert [name for name, package in PACKAGES.items() if "resolved" in package] == []
    assert [name for name, package in PACKAGES.items() if "integrity" not in package] == []


def test_third_party_lists_what_the_lock_holds():
    listed = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", (ROOT / "THIRD_PARTY.md").read_text(), re.MULTILINE)
    held = [(name, p["version"], p["license"]) for name, p in PACKAGES.items() if not p.get("optional")]
    assert sorted(row for row in listed if row[0] not in {"package", "---"}) == sorted(held)


def test_what_is_shipped_has_a_licence_that_allows_it():
    shipped = {p["license"] for p in PACKAGES.values() if not p.get("dev")}
    assert shipped <= {"MIT", "ISC", "BSD-0-Clause", "0BSD", "Apache-2.0", "OFL-1.1", "BSD-3-Clause"}
