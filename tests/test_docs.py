"""The documents are true: README's commands run, generated files are current, the lock and the contract hold."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGETS = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.MULTILINE))
DEVELOPMENT = {"dev", "all"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every `$ gpt-trader ...` line of a ```console block, in the order of the README; ```sh blocks are not run."""
    return re.findall(r"^\$ (gpt-trader .*)$", "\n".join(blocks("console")), re.MULTILINE)


def write_examples(folder: Path) -> None:
    """A ```yaml or ```python block that opens with `# some.file` stands in that file."""
    for block in blocks("yaml") + blocks("python"):
        if named := re.match(r"# ([\w./-]+\.(?:yaml|py))\n", block):
            target = folder / named[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block)


def run(command: list[str], folder: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    world = {k: v for k, v in os.environ.items() if not k.startswith("GPT_TRADER_")}
    world |= {"GPT_TRADER_HOME": str(folder / ".home"), "HOME": str(folder), "NO_COLOR": "1", **extra}
    return subprocess.run(command, cwd=folder, env=world, capture_output=True, text=True, timeout=100, check=False)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def wheel_of(tree: Path, folder: Path) -> zipfile.ZipFile:
    build = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    done = run([sys.executable, "-c", build], tree)
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(folder / done.stdout.strip().splitlines()[-1])


def test_every_gpt_trader_command_of_the_readme_succeeds_in_a_new_folder(tmp_path: Path) -> None:
    write_examples(tmp_path)
    assert commands(), "the README shows no command"
    for line in commands():
        done = run([str(BIN / "gpt-trader"), *shlex.split(line, comments=True)[1:]], tmp_path)
        assert done.returncode == 0, f"$ {line}\n{done.stdout}\n{done.stderr}"


def test_a_new_slice_is_one_folder_one_entry_point_line_and_one_test_folder(tmp_path: Path) -> None:
    """The README's slice in a copy of this tree, built and installed elsewhere: listed, run, tested, and lawful."""
    tree, site = tmp_path / "tree", tmp_path / "site"
    for part in ("gpt_trader", "workflows", "schemas", "completions"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "README.md", tree)
    write_examples(tmp_path)
    folder = tree / "gpt_trader" / "slices" / "greeting"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Says hello."""\n')
    example = (tmp_path / "plugins" / "slices" / "greeting.py").read_text()
    inside = re.findall(r"`(from gpt_trader\.core\.\w+ import .*?)`", README)
    written = re.sub(r"^from gpt_trader import .*$", "\n".join(inside), example, flags=re.MULTILINE)
    (folder / "slice.py").write_text(written)
    line_of = re.compile(r"^(\[project\.entry-points.*\])\n(greeting = .*)$", re.MULTILINE)
    ((head, line),) = line_of.findall("".join(blocks("toml")))
    project = (ROOT / "pyproject.toml").read_text()
    assert head in project
    (tree / "pyproject.toml").write_text(project.replace(head, f"{head}\n{line}"))

    wheel_of(tree, tmp_path).extractall(site)
    for command in (
        [sys.executable, "-m", "gpt_trader", "slices", "show", "greeting"],
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "tests")],
    ):
        done = run(command, tmp_path / "site", PYTHONPATH=str(site))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "greet" in done.stdout or "1 passed" in done.stdout
    lawful = run([str(BIN / "lint-imports"), "--no-logo", "--no-cache"], tree, PYTHONPATH=str(tree))
    assert lawful.returncode == 0, lawful.stdout


def test_every_python_example_of_the_readme_runs(tmp_path: Path) -> None:
    write_examples(tmp_path)
    for script in sorted(tmp_path.glob("*.py")):
        done = run([sys.executable, script.name], tmp_path)
        assert done.returncode == 0, f"{script.name}\n{done.stdout}\n{done.stderr}"


def test_every_make_target_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`make ([a-z]+)`|^\$ make ([a-z]+)", README, re.MULTILINE))
    assert {a or b for a, b in named} <= TARGETS


def test_every_link_of_the_readme_to_a_file_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_pictures_of_the_readme_are_small_and_stay_out_of_the_wheel(tmp_path: Path) -> None:
    pictures = re.findall(r"<img src=\"([^\"]+)\"|!\[[^\]]*\]\(([^)]+)\)", README)
    named = [a or b for a, b in pictures]
    assert named, "the README shows no picture"
    for name in named:
        assert (ROOT / name).read_bytes().startswith((b"\x89PNG", b"<svg"))
        assert (ROOT / name).stat().st_size < 150_000
    assert not [name for name in wheel_of(ROOT, tmp_path).namelist() if name.endswith((".png", ".svg"))]


def test_make_help_lists_every_phony_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == TARGETS


@pytest.mark.parametrize("kind", ["schemas", "completions"])
def test_generated_files_are_what_the_code_generates(kind: str, tmp_path: Path) -> None:
    """The generator runs in a copy of the checkout, so that a stale file is reported and not mended."""
    for part in ("gpt_trader", "workflows", "schemas", "completions"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.rmtree(tmp_path / kind)
    (tmp_path / kind).mkdir()
    done = run([sys.executable, "-m", "gpt_trader.cli.generate", kind], tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    made, kept = files(tmp_path / kind), files(ROOT / kind)
    assert made, f"nothing was generated in {kind}/"
    stale = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
    assert stale == [], f"stale: run `make {kind}`"


def test_the_lock_holds_hashes_and_neither_addresses_nor_paths() -> None:
    pins = re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9-]+==.* \\\n    --hash=sha256:[0-9a-f]{64}", LOCK, re.MULTILINE))
    assert (
        re.findall(r"://|file:|^\s*-(?:i|f|e|-index-url|-extra-index-url|-find-links)\b|/\w+/", LOCK, re.MULTILINE)
        == []
    )


def test_the_lock_pins_every_dependency_of_the_project() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = PROJECT["project"]["dependencies"] + [need for needs in extras.values() for need in needs]
    names = {re.split(r"[\[<>=;! ]", need)[0].lower().replace("_", "-") for need in wanted} - {"gpt-trader"}
    assert names - set(re.findall(r"^([a-z0-9-]+)==", LOCK, re.MULTILINE)) == set()


def test_the_changelog_gives_a_reason_for_every_dependency() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = PROJECT["project"]["dependencies"] + [need for needs in extras.values() for need in needs]
    names = {re.split(r"[\[<>=;! ]", need)[0] for need in wanted} - {"gpt-trader"}
    assert sorted(name for name in names if name not in changelog) == []


def test_all_holds_every_extra_that_users_may_choose() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert extras["all"] == [f"gpt-trader[{','.join(name for name in extras if name not in DEVELOPMENT)}]"]


PLANTED = {
    "workflow/planted.py": "import gpt_trader.app",
    "core/planted.py": "import sqlmodel",
    "journal/planted.py": "import gpt_trader.trading",
    "adapters/planted.py": "import gpt_trader.trading",
    "strategies/planted.py": "import gpt_trader.journal",
    "app/planted.py": "import typer",
    "cli/planted.py": "import fastapi",
    "trading/planted.py": "from gpt_trader import planted",
    "unknown_room/__init__.py": "",
}


def test_the_import_contract_is_kept_by_this_tree() -> None:
    done = run([str(BIN / "lint-imports"), "--no-logo", "--no-cache"], ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PLANTED)
def test_the_import_contract_refuses_a_planted_violation(path: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gpt_trader", tmp_path / "gpt_trader", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / "gpt_trader" / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(PLANTED[path] + "\n")
    done = run([str(BIN / "lint-imports"), "--no-logo", "--no-cache"], tmp_path, PYTHONPATH=str(tmp_path))
    room = planted.parent.name
    named = f"gpt_trader.{room}.planted -> " if planted.stem == "planted" else f"- gpt_trader.{room}\n"
    assert done.returncode == 1, done.stdout
    assert named in done.stdout


def test_the_wheel_ships_workflows_schemas_and_completions(tmp_path: Path) -> None:
    shipped = set(wheel_of(ROOT, tmp_path).namelist())
    for part in ("workflows", "schemas", "completions"):
        wanted = {f"gpt_trader/_shipped/{part}/{name}" for name in files(ROOT / part)}
        assert wanted, f"{part}/ is empty"
        assert wanted <= shipped
    assert {"gpt_trader/py.typed", "gpt_trader/cli/main.py"} <= shipped
