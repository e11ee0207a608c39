"""Checks a wheel: under 3 MB, holds the extension, its types and the digits, and nothing of tests or C sources."""

import sys
import zipfile
from pathlib import Path

path = Path(sys.argv[1])
names = zipfile.ZipFile(path).namelist()
size = path.stat().st_size
print(f"{path.name}: {size / 1e6:.2f} MB, {len(names)} files")
assert size < 3e6, "the wheel must stay under 3 MB"
for wanted in ("cnnpy/__init__.py", "cnnpy/py.typed", "cnnpy/_core.pyi", "cnnpy/datasets/digits.npz"):
    assert wanted in names, f"{wanted} is missing"
assert any(name.startswith("cnnpy/_core.") and name.endswith(".so") for name in names), "the extension is missing"
strays = [name for name in names if not name.startswith(("cnnpy/", "cnnpy-"))]
assert not strays, f"does not belong in the wheel: {strays}"
