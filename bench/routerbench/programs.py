"""Makes what the benchmark runs, under one cache: its two C programs, and peers in environments of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

BENCH = Path(__file__).parents[1]
_SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}".encode()


class UnavailableError(Exception):
    """A program is missing or could not be made; the text says what to do."""


def compiled(source: Path, cache: Path) -> Path:
    """The program of one C file, built again only when the file has changed."""
    program = cache / "bin" / f"{source.stem}-{_digest(source)}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        _run(["gcc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)], f"cannot compile {source.name}")
    return program


def python_program(name: str, cache: Path) -> Path:
    """A program of that name in a virtual environment with exactly what `bench/peers/<name>.txt` locks."""
    lock = BENCH / "peers" / f"{name}.txt"
    folder = cache / "venv" / f"{name}-{_digest(lock)}"
    if not (folder / "complete").exists():
        print(f"Installing {name} into {folder} ...", flush=True)
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(lock)], f"cannot install {name}")
        (folder / "complete").touch()
    return folder / "bin" / name


def compiled_auriga(cache: Path) -> Path:
    """A folder with what this checkout's wheel holds, its router compiled. Made again when the source has changed."""
    root = BENCH.parent
    sources = [root / "pyproject.toml", root / "hatch_build.py", *sorted(root.glob("[cr]*/auriga_*/**/*.py"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + _PYTHON).hexdigest()[:12]
    folder = cache / "wheel" / digest
    if not folder.exists():
        print(f"Compiling the router into {folder} ...", flush=True)
        with tempfile.TemporaryDirectory(prefix="auriga-wheel-") as wheels:
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(root)]
            _run([*pip, "--wheel-dir", wheels], "cannot build the compiled wheel", AURIGA_BUILD="compiled")
            unpacked = Path(wheels) / "unpacked"
            zipfile.ZipFile(next(Path(wheels).glob("*.whl"))).extractall(unpacked)
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(unpacked, folder)
    return folder


def python() -> str:
    """The interpreter of Auriga's router: `BENCH_PYTHON`, else the distribution's if it is of this version.

    Distributions and Docker's official images, ours among them, have Python built with profile-guided optimisation;
    `pyenv install` by itself makes one without, on which the router takes a tenth more time.
    """
    packaged_python = Path("/usr/bin") / f"python{_PYTHON.decode()}"
    return os.environ.get("BENCH_PYTHON") or str(packaged_python if packaged_python.exists() else sys.executable)


def python_path(*folders: str | Path) -> str:
    """`PYTHONPATH` for it: these folders, then the packages of this environment, which it does not know of."""
    return ":".join(map(str, (*folders, sysconfig.get_path("purelib"))))


def python_version() -> str:
    """Of that interpreter."""
    command = [python(), "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def locked_version(name: str) -> str:
    lines = (BENCH / "peers" / f"{name}.txt").read_text().splitlines()
    return next(line.split()[0].partition("==")[2] for line in lines if line.startswith(f"{name}=="))


def packaged(name: str) -> Path:
    """A program that the system's package of the same name installs."""
    demand(name)
    return Path(shutil.which(name, path=_SYSTEM) or name)


def demand(*names: str) -> None:
    """Raises UnavailableError if one of these programs, which packages of the same names install, is not there."""
    absent = [name for name in names if shutil.which(name, path=_SYSTEM) is None]
    if absent:
        raise UnavailableError(f"{' and '.join(absent)} not installed: apt-get install {' '.join(absent)}")


def auriga_commit() -> str:
    """The commit that is measured, with `-dirty` when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True).stdout.strip()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() + _PYTHON).hexdigest()[:12]


def _run(command: list[str], failure: str, **environment: str) -> None:
    try:
        subprocess.run(
            command, check=True, timeout=1800, capture_output=True, text=True, env={**os.environ, **environment}
        )
    except FileNotFoundError:
        raise UnavailableError(f"{failure}: {command[0]} is not installed: apt-get install {command[0]}") from None
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"{failure}:\n{error.stderr.strip()[-2000:]}") from None
