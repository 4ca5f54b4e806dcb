"""Settings: flag over environment over project file over user file over default, each knowing where it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt_trader.core import failpoints
from gpt_trader.core.errors import ConfigError, did_you_mean
from gpt_trader.core.secrets import is_figures, passwords_of

PROJECT_FILE = "gpt-trader.yaml"
_PREFIX = "GPT_TRADER_"
_MOST_BYTES = 100_000
_MOST_SHOWN = 120
_WORD = re.compile(r"[a-z_.-]{,15}|[A-Z_.-]{,15}")
_SECRET_NAME = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|APIKEY|SECRET", re.IGNORECASE)
_PERHAPS_SECRET_NAME = re.compile(r"(^|_)(KEY|TOKEN|CREDENTIALS?)(_|$)", re.IGNORECASE)
"""A name that may also be that of a setting, so an ordinary word under it is no secret."""
_AGENT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: its default, what a value of it must be, and what it means."""

    default: Any
    check: Callable[[Any], Any]
    meaning: str
    schema: Mapping[str, Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text")
    return value


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number of at least 1")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    found = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(v, str) for v in found):
        raise ValueError("must be a list of texts")
    return tuple(v for v in found if v)


_STRING = {"type": "string", "minLength": 1}
_LIST = {"type": "array", "items": {"type": "string"}}
_NUMBER = {"type": "integer", "minimum": 1}

OPTIONS: Mapping[str, Option] = {
    "journal": Option("", _text, "URL of the journal: sqlite:///PATH or postgresql://USER@HOST/NAME", _STRING),
    "artifacts": Option("", _text, "folder of the artifacts that steps produce", _STRING),
    "data": Option("", _text, "folder of the bars that are downloaded", _STRING),
    "workflows": Option(("workflows",), _texts, "folders that are searched for workflows", _LIST),
    "plugins": Option("plugins", _text, "folder with your own slices/ and strategies/", _STRING),
    "allowed_plugins": Option((), _texts, "installed distributions whose plugins may be loaded", _LIST),
    "max_concurrent_agents": Option(5, _count, "how many steps of a run go at once", _NUMBER),
    "retention_days": Option(90, _count, "for how long `runs prune` keeps runs that ended", _NUMBER),
}
"""Every setting; the config file may name these and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the program was told, before any workflow is read."""

    home: Path
    project: Path
    project_file: Path | None
    user_file: Path
    journal: str
    artifacts: Path
    data: Path
    workflows: tuple[Path, ...]
    plugins: Path
    allowed_plugins: tuple[str, ...]
    max_concurrent_agents: int
    retention_days: int
    origins: Mapping[str, str] = field(default_factory=dict)
    agent_env: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """The values of the environment, and of the journal's URL, that nothing may keep or show."""
    debug: bool = False


def load_settings(
    *, flags: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Settings:
    """The settings in force here; raises ConfigError with the file and the name of what is wrong."""
    env = os.environ if env is None else env
    cwd = cwd or Path.cwd()
    home, user_file = _homes(env)
    project_file = _project_file(cwd)
    project = project_file.parent if project_file else cwd
    values = {name: option.default for name, option in OPTIONS.items()}
    origins = dict.fromkeys(OPTIONS, "default")
    layers = (
        (str(user_file), _read(user_file) if user_file.exists() else {}),
        (str(project_file), _read(project_file) if project_file else {}),
        ("environment", {n: env[_PREFIX + n.upper()] for n in OPTIONS if env.get(_PREFIX + n.upper())}),
        ("flag", {n: v for n, v in (flags or {}).items() if v is not None}),
    )
    for origin, layer in layers:
        for name, value in layer.items():
            values[name] = _checked(name, value, origin)
            origins[name] = origin if origin != "environment" else f"environment {_PREFIX}{name.upper()}"
    try:
        failpoints.arm(env.get(f"{_PREFIX}FAILPOINTS", ""))
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{_PREFIX}FAILPOINTS cannot be read: {error}", hint="write PLACE=kill@2") from None
    return Settings(
        home=home,
        project=project,
        project_file=project_file,
        user_file=user_file,
        journal=_journal(values["journal"], home, project),
        artifacts=_resolve(values["artifacts"], project) if values["artifacts"] else home / "artifacts",
        data=_resolve(values["data"], project) if values["data"] else home / "data",
        workflows=tuple(_resolve(folder, project) for folder in values["workflows"]),
        plugins=_resolve(values["plugins"], project),
        allowed_plugins=values["allowed_plugins"],
        max_concurrent_agents=values["max_concurrent_agents"],
        retention_days=values["retention_days"],
        origins=origins,
        agent_env={name: env[name] for name in _AGENT_VARIABLES if name in env},
        secrets=tuple(_secrets_of(env, values["journal"])),
        debug=bool(env.get(f"{_PREFIX}DEBUG")),
    )


def _secrets_of(env: Mapping[str, str], journal: str) -> Iterator[str]:
    """What its name, or its place in a URL, says to be a secret; a path or a number is none."""
    for name, value in env.items():
        path = value.startswith("/") and os.path.exists(value)  # noqa: PTH110 - it may be any text
        named = _SECRET_NAME.search(name) or (_PERHAPS_SECRET_NAME.search(name) and not _WORD.fullmatch(value))
        if named and not (path or is_figures(value)):
            yield value
    yield from (value for value in passwords_of(journal) if not (is_figures(value) or _WORD.fullmatch(value)))


def secret(name: str, env: Mapping[str, str] | None = None) -> str:
    """A secret of the environment, with or without our prefix; empty where there is none. It is kept nowhere."""
    env = os.environ if env is None else env
    return env.get(_PREFIX + name) or env.get(name) or ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the environment wishes of whatever is printed: colour or none (None: as the terminal can), and traces."""

    colour: bool | None = None
    debug: bool = False
    shell: str = ""


def wishes(env: Mapping[str, str] | None = None) -> Wishes:
    """The wishes that hold before any settings are read."""
    env = os.environ if env is None else env
    forced = env.get("FORCE_COLOR", "0") not in ("", "0") or None
    colour = False if env.get("NO_COLOR") or env.get("TERM") == "dumb" else forced
    return Wishes(colour, bool(env.get(f"{_PREFIX}DEBUG")), Path(env.get("SHELL") or "").name)


def quicken() -> None:
    """Keep pydantic from looking for plugins of its own in every installed distribution, which takes 20 ms."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _homes(env: Mapping[str, str]) -> tuple[Path, Path]:
    """Where data lives, and the user's own settings."""
    if env.get("GPT_TRADER_HOME"):
        home = Path(env["GPT_TRADER_HOME"]).expanduser().absolute()
        return home, home / "config.yaml"
    base = Path(env.get("HOME") or _home())
    data = Path(env.get("XDG_DATA_HOME") or base / ".local" / "share")
    config = Path(env.get("XDG_CONFIG_HOME") or base / ".config")
    return data / "gpt-trader", config / "gpt-trader" / "config.yaml"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise ConfigError("this user has no home directory", hint="set GPT_TRADER_HOME") from None


def _project_file(cwd: Path) -> Path | None:
    return next((f for f in (d / PROJECT_FILE for d in (cwd, *cwd.parents)) if f.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    """The settings of a file; it is small and flat, so what could blow up or hide in YAML is not taken at all."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = path.read_bytes()[:_MOST_BYTES].decode()
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            raise ConfigError(f"{path}: settings are written out, without aliases")
        root = yaml.compose(text, Loader=loader)
        found = yaml.load(text, Loader=loader)  # noqa: S506 - it is a safe one
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8", hint="save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise ConfigError(f"{place} cannot be read: {str(error.problem)[:_MOST_SHOWN]}") from None
    except (OSError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())[:_MOST_SHOWN]}") from None
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{path} must be a list of settings, such as `journal: sqlite:///journal.db`")
    names = [key.value for key, _ in root.value] if found and root else []
    for name in names:
        if name not in OPTIONS:
            raise ConfigError(f"{path}: there is no setting '{name}'", hint=did_you_mean(str(name), OPTIONS))
        if names.count(name) > 1:
            raise ConfigError(f"{path}: '{name}' is there twice", hint="remove one of the two")
    return found or {}


def _checked(name: str, value: Any, origin: str) -> Any:
    try:
        return OPTIONS[name].check(value)
    except ValueError as error:
        raise ConfigError(
            f"{origin}: {name} {error}, not {value!r:.{_MOST_SHOWN}}", hint=OPTIONS[name].meaning
        ) from None


def _journal(url: str, home: Path, project: Path) -> str:
    if not url:
        return f"sqlite:///{home / 'journal.db'}"
    prefix = "sqlite:///"
    return f"{prefix}{_resolve(url.removeprefix(prefix), project)}" if url.startswith(prefix) else url


def _resolve(text: str, base: Path) -> Path:
    return (base / Path(text).expanduser()).absolute()


def config_schema() -> dict[str, Any]:
    """The JSON Schema of the project's and the user's settings file."""
    properties = {n: {**o.schema, "description": o.meaning} for n, o in OPTIONS.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"gpt-trader settings ({PROJECT_FILE})",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
