"""Who owns a run: a token that tells a living process from a dead one, also when its pid was given anew."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = (ALPHABET * 8).encode()


@dataclass(frozen=True)
class Ownership:
    """Who may write to a run: the owner's token, with the fence that each new owner raises."""

    run_id: str
    owner: str
    fence: int

    @cached_property
    def guard(self) -> dict[str, Any]:
        """The params that every guarded statement compares."""
        return {"run_id": self.run_id, "owner": self.owner, "fence": self.fence}


def new_owner() -> str:
    """A token for this process: host, pid, the moment it started, and some random letters."""
    return f"{socket.gethostname()}:{os.getpid()}:{process_start(os.getpid())}:{letters(8)}"


def owner_alive(owner: str) -> bool | None:
    """Whether the owner's process lives; None where this machine cannot tell."""
    host, pid, started, _ = owner.rsplit(":", 3)
    if host != socket.gethostname():
        return None
    return process_start(int(pid)) == int(started)


def process_start(pid: int) -> int:
    """When a process started, so that a recycled pid is not mistaken for it; 0 if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        state, *rest = stat.rpartition(")")[2].split()
        return 0 if state in "ZX" else int(rest[18])
    except FileNotFoundError:
        return 0 if Path("/proc/self/stat").exists() else _process_start_elsewhere(pid)


def _process_start_elsewhere(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 1000)
    except psutil.Error:
        return 0


def letters(count: int) -> str:
    """So many letters by chance, none of which is taken for another."""
    return os.urandom(count).translate(_LETTERS).decode()
