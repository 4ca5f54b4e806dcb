"""Artifacts: file results named by the hash of their bytes, and the text form of outputs that refers to them."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from gpt_trader.core.context import Artifact
from gpt_trader.core.errors import JournalCorrupt, JournalUnavailable, ValidationError
from gpt_trader.core.failpoints import hit
from gpt_trader.core.secrets import Secrets

if TYPE_CHECKING:
    from gpt_trader.core.bars import Bars
    from gpt_trader.core.stored import BarTable

INLINE_BYTES = 64 * 1024
MARK = "$artifact"
BARS = "$bars"
_SINGLE = frozenset({str, int, float, bool, type(None)})
"""Types whose values are the same when they are read again."""
_HASH = re.compile(rb"[0-9a-f]{64}")
_ANEW = "have the step that made it make it again: gpt-trader runs rerun RUN --from STEP"


class ArtifactFolder:
    """Artifacts as files below one folder; the same bytes are kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secrets = Secrets()

    def put(self, data: bytes, *, kind: str) -> Artifact:
        """Keep these bytes, durably, and return their name."""
        return self._keep(_cleaned(self.secrets, data, kind) if self.secrets else data, kind)

    def _keep(self, data: bytes, kind: str) -> Artifact:
        artifact = Artifact(hashlib.sha256(data).hexdigest(), kind, len(data))
        target = self.path(artifact)
        try:
            if _touched(target, artifact):
                return artifact
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(target, data)
        except OSError as error:
            raise JournalUnavailable(
                f"{target} cannot be written: {error.strerror}", hint="nothing was recorded"
            ) from error
        hit("artifact.written")
        return artifact

    def put_bars(self, every: Iterable[Bars], symbols: Sequence[str]) -> BarTable:
        """Keep the bars of all these symbols in one file, each written before the next is asked for."""
        from gpt_trader.journal import barfile

        part = self.folder / "begun" / f"{os.getpid()}.{id(every)}.{barfile.KIND}"
        part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            series = barfile.write(part, every, symbols)
            artifact = self._adopt(part, barfile.KIND)
        except OSError as error:
            raise JournalUnavailable(
                f"{part} cannot be written: {error.strerror}", hint="nothing was recorded"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        hit("artifact.written")
        return barfile.table_of(self.path(artifact), artifact, series)

    def _adopt(self, part: Path, kind: str) -> Artifact:
        """Make an artifact of a written file."""
        artifact = Artifact(_hash_of(part), kind, part.stat().st_size)
        target = self.path(artifact)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync(part)
        part.replace(target)
        _sync(target.parent)
        return artifact

    def path(self, artifact: Artifact) -> Path:
        """The file that holds an artifact."""
        return self.folder / artifact.hash[:2] / f"{artifact.hash}.{artifact.kind}"

    def get(self, artifact: Artifact) -> bytes:
        """The bytes of an artifact, checked against its name."""
        path = self.path(artifact)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise JournalCorrupt(f"the artifact {path} cannot be read: {error.strerror}", hint=_ANEW) from error
        if hashlib.sha256(data).hexdigest() != artifact.hash:
            raise JournalCorrupt(f"the artifact {path} is damaged", hint=_ANEW)
        return data

    # forgetting

    def sweep(self, named: set[str], *, before: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove artifacts older than a moment (seconds) that are not named, also not inside one that is kept.

        Returns how many they are, and their bytes.
        """
        files = [f for f in self.folder.glob("*/*") if f.is_file()]
        self._follow(named, {f.stem: f for f in files if f.suffix == ".json"})
        sizes = [_removed(f, before, dry_run=dry_run) for f in files if f.stem not in named]
        gone = [size for size in sizes if size is not None]
        return len(gone), sum(gone)

    @staticmethod
    def _follow(named: set[str], texts: dict[str, Path]) -> None:
        """Outputs that became one artifact as a whole may name others inside."""
        ahead = [name for name in named if name in texts]
        while ahead:
            inside = named_in(texts[ahead.pop()].read_bytes())
            ahead += [name for name in inside - named if name in texts]
            named |= inside

    # outputs as text

    def encode(self, outputs: Any, held: dict[str, Any] | None = None) -> str:
        """Outputs as a JSON text; tables and long texts become artifacts that it names, which `held` collects."""
        held = {} if held is None else held
        try:
            text = to_json(outputs, fallback=lambda value: self._refer(value, held), inf_nan_mode="constants")
        except JournalUnavailable:
            raise
        except Exception as error:
            raise ValidationError(
                f"these outputs cannot be kept: {error}", hint="return numbers, texts, lists, tables"
            ) from error
        if self.secrets:
            text = _cleaned(self.secrets, text, "json")
        if len(text) <= INLINE_BYTES:
            return text.decode()
        whole = self._keep(text, "json")
        held[whole.hash] = self._load(from_json(text), held)
        return to_json(self._mark(whole)).decode()

    def keep(self, outputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The text of outputs, and the outputs as whoever reads it will have them."""
        held: dict[str, Any] = {}
        text = self.encode(outputs, held)
        if not self.secrets and all(type(value) in _SINGLE for value in outputs.values()):
            return text, dict(outputs)
        return text, self.decode(text, held)

    def decode(self, text: str, held: Mapping[str, Any] | None = None) -> Any:
        """What `encode` was given, in plain JSON values and tables; what is held already is not read again."""
        return self._load(from_json(text), held or {}) if MARK in text or BARS in text else from_json(text)

    def _refer(self, value: Any, held: dict[str, Any]) -> Any:
        from gpt_trader.core.stored import BarTable

        if isinstance(value, BarTable):
            from gpt_trader.journal import barfile

            held[value.artifact.hash] = value
            return {BARS: barfile.told(value)}
        if hasattr(value, "to_parquet"):
            if self.secrets:
                from gpt_trader.journal import blotting

                value = blotting.without(self.secrets, value)
            table = self._keep(_parquet(value), "parquet")
            held[table.hash] = value
            return self._mark(table)
        if hasattr(value, "tolist"):  # numpy
            return value.tolist()
        raise ValidationError(f"a {type(value).__name__} has no text form")

    @staticmethod
    def _mark(artifact: Artifact) -> dict[str, Any]:
        return {MARK: artifact.hash, "kind": artifact.kind, "size": artifact.size}

    def _load(self, value: Any, held: Mapping[str, Any]) -> Any:
        if isinstance(value, list):
            return [self._load(v, held) for v in value]
        if not isinstance(value, dict):
            return value
        if _is_bars(value):
            return self._bars(value[BARS], held)
        artifact = _marked(value)
        if artifact is None:
            return {k: self._load(v, held) for k, v in value.items()}
        if artifact.hash in held:
            return held[artifact.hash]
        data = self.get(artifact)
        return _table(data) if artifact.kind == "parquet" else self._load(from_json(data), held)

    def _bars(self, told: dict[str, Any], held: Mapping[str, Any]) -> Any:
        """A table of bars; its file is checked against its name once, and read when somebody asks for rows."""
        if told["artifact"] in held:
            return held[told["artifact"]]
        from gpt_trader.journal import barfile

        artifact = Artifact(told["artifact"], barfile.KIND, told["size"])
        path = self.path(artifact)
        try:
            whole = _hash_of(path) == artifact.hash
        except OSError as error:
            raise JournalCorrupt(f"the artifact {path} cannot be read: {error.strerror}", hint=_ANEW) from error
        if not whole:
            raise JournalCorrupt(f"the artifact {path} is damaged", hint=_ANEW)
        return barfile.table_of(path, artifact, told["series"])


def _marked(value: dict[str, Any]) -> Artifact | None:
    """The artifact that a value stands for; what an outside program wrote to look like one is left as it is."""
    name, kind = value.get(MARK), value.get("kind")
    if isinstance(name, str) and _HASH.fullmatch(name.encode()) and kind in ("parquet", "json"):
        return Artifact(name, kind, int(value.get("size", 0)))
    return None


def _is_bars(value: dict[str, Any]) -> bool:
    """Whether a value stands for a table of bars; as above."""
    told = value.get(BARS)
    if len(value) != 1 or not isinstance(told, dict) or set(told) != {"artifact", "size", "series"}:
        return False
    return isinstance(told["artifact"], str) and _HASH.fullmatch(told["artifact"].encode()) is not None


def named_in(text: bytes) -> set[str]:
    """The hashes of all artifacts that a text names, be it by mark or by path."""
    return {found.decode() for found in _HASH.findall(text)}


def _touched(target: Path, artifact: Artifact) -> bool:
    """Whether the file is there, whole; it is young again, so that a sweep leaves it to the step that names it next."""
    try:
        if target.stat().st_size != artifact.size or _hash_of(target) != artifact.hash:
            return False
        os.utime(target)
    except FileNotFoundError:  # or a sweep took it at this moment
        return False
    return True


def _removed(file: Path, before: float, *, dry_run: bool) -> int | None:
    """The size of a file that was old and is gone; one that was made again meanwhile stays."""
    try:
        found = file.stat()
        if found.st_mtime >= before or dry_run:
            return found.st_size if found.st_mtime < before else None
        aside = file.rename(file.with_name(f".{file.name}"))  # from here on, who makes it again writes it anew
        if aside.stat().st_mtime >= before:
            aside.replace(file)
            return None
        aside.unlink()
    except FileNotFoundError:  # somebody else removed it
        return None
    return found.st_size


def _write_whole(target: Path, data: bytes) -> None:
    """The file appears whole and synced, or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.{id(data)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync(target.parent)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cleaned(secrets: Secrets, data: bytes, kind: str) -> bytes:
    """The bytes of an artifact with no secret in their texts."""
    if kind == "parquet":
        return data
    if kind == "json":
        try:
            return secrets.clean_json(data.decode()).encode()
        except UnicodeError:
            pass
    return secrets.clean_bytes(data)


def _parquet(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, compression="zstd")
    return out.getvalue()


def _table(data: bytes) -> Any:
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))
