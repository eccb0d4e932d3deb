"""Each peer in a virtual environment of its own, made from its pinned requirements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def python_of(name: str) -> Path:
    """The interpreter of the environment made from ``requirements/NAME.txt``; made, or made anew, if need be.

    Raises CalledProcessError when the requirements cannot be installed.
    """
    wanted = (HERE / "requirements" / f"{name}.txt").read_text()
    folder = HERE / ".envs" / name
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    if not (python.exists() and mark.exists() and mark.read_text() == wanted):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", str(HERE / "requirements" / f"{name}.txt")], check=True)
        mark.write_text(wanted)
    return python


def version_in(python: Path, *distributions: str) -> str:
    """``name 1.2, name 3.4`` of what is installed there."""
    code = "import sys, importlib.metadata as m; print(*[f'{n} {m.version(n)}' for n in sys.argv[1:]], sep=', ')"
    done = subprocess.run([str(python), "-c", code, *distributions], capture_output=True, text=True, check=True)
    return done.stdout.strip()
