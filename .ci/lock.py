"""Pins the dependencies: first what the program itself needs, below a line what extras and development add."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINE = "# --- what follows is for the extras and for development ---\n"
OPTIONS = (
    "--quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: "
    "--no-header --no-annotate --no-emit-index-url --no-emit-find-links"
)


def pinned(*more: str, also: str = "") -> dict[str, str]:
    """Each package's lines in the lock; it may have several, for several versions of Python."""
    command = [Path(sys.executable).with_name("uv"), "pip", "compile", *OPTIONS.split(), *more, "pyproject.toml"]
    done = subprocess.run([*command, "-"], input=also, cwd=ROOT, check=True, capture_output=True, text=True)
    blocks = re.split(r"^(?=[A-Za-z0-9])", done.stdout, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for block in filter(str.strip, blocks):
        name = re.split(r"[=<>; ]", block)[0]
        found[name] = found.get(name, "") + block
    return found


everything = pinned("--extra", "dev", *sys.argv[1:])
builds = "hatchling>=1.27\n"  # so that the package itself can be installed without a second download
needed = pinned(also=builds)
core = [name for name in everything if name in needed]
rest = [name for name in everything if name not in needed]
text = "".join(everything[n] for n in core) + LINE + "".join(everything[n] for n in rest)
(ROOT / "requirements.lock").write_text(text)
