"""Artifacts: file results named by the hash of their bytes, and the text form of outputs that refers to them."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from gpt_trader.core.context import Artifact
from gpt_trader.core.errors import JournalCorrupt, JournalUnavailable, ValidationError
from gpt_trader.core.failpoints import hit

INLINE_BYTES = 64 * 1024
MARK = "$artifact"
_HASH = re.compile(rb"[0-9a-f]{64}")


class ArtifactFolder:
    """Artifacts as files below one folder; the same bytes are kept once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, *, kind: str) -> Artifact:
        """Keep these bytes, durably, and return their name."""
        artifact = Artifact(hashlib.sha256(data).hexdigest(), kind, len(data))
        target = self.path(artifact)
        try:
            if target.exists() and target.stat().st_size == artifact.size:
                os.utime(target)  # young again, so that a sweep leaves it to the step that names it next
                return artifact
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(target, data)
        except OSError as error:
            raise JournalUnavailable(
                f"{target} cannot be written: {error.strerror}", hint="nothing was recorded"
            ) from error
        hit("artifact.written")
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
            raise JournalCorrupt(f"the artifact {path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != artifact.hash:
            raise JournalCorrupt(f"the artifact {path} is damaged", hint="rerun the step that made it")
        return data

    # forgetting

    def sweep(self, named: set[str], *, before: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove artifacts older than a moment (seconds) that are not named, also not inside one that is kept.

        Returns how many they are, and their bytes.
        """
        files = [f for f in self.folder.glob("*/*") if f.is_file()]
        self._follow(named, {f.stem: f for f in files if f.suffix == ".json"})
        gone = [(f, f.stat().st_size) for f in files if f.stem not in named and f.stat().st_mtime < before]
        if not dry_run:
            for file, _ in gone:
                file.unlink(missing_ok=True)
        return len(gone), sum(size for _, size in gone)

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
        if len(text) <= INLINE_BYTES:
            return text.decode()
        whole = self.put(text, kind="json")
        held[whole.hash] = self._load(from_json(text), held)
        return to_json(self._mark(whole)).decode()

    def decode(self, text: str, held: Mapping[str, Any] | None = None) -> Any:
        """What `encode` was given, in plain JSON values and tables; what is held already is not read again."""
        return self._load(from_json(text), held or {}) if MARK in text else from_json(text)

    def _refer(self, value: Any, held: dict[str, Any]) -> Any:
        if hasattr(value, "to_parquet"):
            table = self.put(_parquet(value), kind="parquet")
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
        artifact = _marked(value)
        if artifact is None:
            return {k: self._load(v, held) for k, v in value.items()}
        if artifact.hash in held:
            return held[artifact.hash]
        data = self.get(artifact)
        return _table(data) if artifact.kind == "parquet" else self._load(from_json(data), held)


def _marked(value: dict[str, Any]) -> Artifact | None:
    """The artifact that a value stands for; what an outside program wrote to look like one is left as it is."""
    name, kind = value.get(MARK), value.get("kind")
    if isinstance(name, str) and _HASH.fullmatch(name.encode()) and kind in ("parquet", "json"):
        return Artifact(name, kind, int(value.get("size", 0)))
    return None


def named_in(text: bytes) -> set[str]:
    """The hashes of all artifacts that a text names, be it by mark or by path."""
    return {found.decode() for found in _HASH.findall(text)}


def _write_whole(target: Path, data: bytes) -> None:
    """The file appears whole and synced, or not at all."""
    part = target.with_name(f".{target.name}.{os.getpid()}.{id(data)}")
    try:
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parquet(frame: Any) -> bytes:
    out = io.BytesIO()
    frame.to_parquet(out, compression="zstd")
    return out.getvalue()


def _table(data: bytes) -> Any:
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))
