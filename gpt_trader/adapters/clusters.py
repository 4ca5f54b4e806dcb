"""Clusters of machines as executors: Dask, by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from gpt_trader.core.errors import UsageError
from gpt_trader.core.extras import needed

SECONDS = 10.0
"""So long a scheduler may take to answer, and a first worker to be there."""


@contextmanager
def dask(address: str) -> Iterator[tuple[Executor, int]]:
    """An executor on the cluster behind this address, and how many jobs it does at once.

    Dask gives a job whose worker died to another one; after three deaths the job is the suspect, and fails.
    """
    distributed = needed("distributed", extra="scale", what="a cluster")
    try:
        client = distributed.Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler answers at {address}: {error}", hint="start one: dask scheduler") from None
    try:
        client.wait_for_workers(1, timeout=SECONDS)
        yield client.get_executor(pure=False), sum(client.nthreads().values())
    except TimeoutError:
        raise UsageError(f"the cluster at {address} has no worker", hint=f"start one: dask worker {address}") from None
    finally:
        client.close()
