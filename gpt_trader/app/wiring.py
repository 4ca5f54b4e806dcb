"""The wiring: every part made when it is first needed, out of the settings and nothing else."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from gpt_trader.app.settings import Settings, load_settings, secret
from gpt_trader.trading.clocks import WallClock

if TYPE_CHECKING:
    from gpt_trader.adapters.store.archive import LocalArchive
    from gpt_trader.app.library import Library
    from gpt_trader.core.feeds import FeedCatalog, StrategyCatalog
    from gpt_trader.core.ports import Replays
    from gpt_trader.core.secrets import Secrets
    from gpt_trader.core.slices import SliceCatalog
    from gpt_trader.journal.artifacts import ArtifactFolder
    from gpt_trader.journal.bus import EventBus
    from gpt_trader.journal.retention import Retention
    from gpt_trader.journal.runs import Runs
    from gpt_trader.journal.store import Store
    from gpt_trader.trading.limits import ReadLimits
    from gpt_trader.workflow.active import Observer
    from gpt_trader.workflow.runner import Runner


class Application:
    """One process's parts; close it, or use it in a `with`."""

    def __init__(self, settings: Settings | None = None, *, observer: Observer | None = None) -> None:
        self.settings = settings or load_settings()
        self.clock = WallClock()
        self._observer = observer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def store(self) -> Store:
        """The journal's database, migrated."""
        from gpt_trader.journal.migrations import open_store

        store = open_store(self.settings.journal, self.clock, backups=self.settings.home)
        store.secrets = self.secrets
        return store

    @cached_property
    def secrets(self) -> Secrets:
        """What nothing may keep or show."""
        from gpt_trader.core.secrets import Secrets

        return Secrets(self.settings.secrets)

    @cached_property
    def runs(self) -> Runs:
        """The journal's runs."""
        from gpt_trader.journal.runs import Runs

        return Runs(self.store, self.clock)

    @cached_property
    def artifacts(self) -> ArtifactFolder:
        """The artifacts."""
        from gpt_trader.journal.artifacts import ArtifactFolder

        artifacts = ArtifactFolder(self.settings.artifacts)
        artifacts.secrets = self.secrets
        return artifacts

    @cached_property
    def bus(self) -> EventBus:
        """The event bus."""
        from gpt_trader.journal.bus import EventBus

        return EventBus(self.store, self.clock)

    @cached_property
    def retention(self) -> Retention:
        """What forgets."""
        from gpt_trader.journal.history import History
        from gpt_trader.journal.retention import Retention

        return Retention(self.runs, History(self.store, self.clock), self.artifacts)

    @cached_property
    def catalog(self) -> SliceCatalog:
        """The slices."""
        from gpt_trader.app.plugins import slice_catalog

        catalog = slice_catalog(self.settings.plugins, self.settings.allowed_plugins)
        catalog.provide_when_needed("archive", lambda: self.archive)
        catalog.provide_when_needed("feeds", lambda: self.feeds)
        catalog.provide_when_needed("strategies", lambda: self.strategies)
        catalog.provide_when_needed("clusters", _clusters)
        catalog.provide_when_needed("replay", _replay)
        catalog.provide_when_needed("limits", _limits)
        catalog.provide("facts", self.facts)
        return catalog

    @cached_property
    def feeds(self) -> FeedCatalog:
        """The providers of bars: those on this machine, and by way of the archive those that are downloaded."""
        from gpt_trader.app.feeds import feed_catalog

        catalog = feed_catalog()
        for venue in self.archive.venues:
            catalog.add(venue, lambda venue=venue: self.archive.maker(venue))  # type: ignore[misc]
        return catalog

    @cached_property
    def archive(self) -> LocalArchive:
        """The store of downloaded bars, and who is asked for them."""
        from gpt_trader.adapters.store.archive import LocalArchive
        from gpt_trader.app.feeds import feed_catalog, venue_catalog

        folder = self.settings.data
        return LocalArchive(
            folder=folder, clock=self.clock, feeds=feed_catalog(), venues=venue_catalog(folder / ".yfinance")
        )

    def facts(self, recent: int) -> dict[str, Any]:
        """What the journal counts, and so many of its newest runs."""
        from gpt_trader.app.facts import facts_of

        return facts_of(self.runs, self.store, recent)

    @cached_property
    def strategies(self) -> StrategyCatalog:
        """The strategies."""
        from gpt_trader.app.plugins import strategy_catalog

        return strategy_catalog(self.settings.plugins, self.settings.allowed_plugins)

    @cached_property
    def library(self) -> Library:
        """The workflows."""
        from gpt_trader.app.library import Library

        user = self.settings.user_file.parent / "workflows"
        return Library(self.settings.workflows, self.catalog, user)

    @cached_property
    def runner(self) -> Runner:
        """The runner."""
        from gpt_trader.journal.owners import new_owner
        from gpt_trader.workflow.active import Parts, unobserved
        from gpt_trader.workflow.runner import Runner

        return Runner(
            Parts(
                runs=self.runs,
                catalog=self.catalog,
                artifacts=self.artifacts,
                clock=self.clock,
                owner=new_owner(),
                agent_env=self.settings.agent_env,
                agent_folder=self.settings.project,
                secret=secret,
                secrets=self.secrets,
                max_steps=self.settings.max_concurrent_agents,
                observer=self._observer or unobserved,
            )
        )

    def close(self) -> None:
        """Close what was opened."""
        for part in ("runner", "bus", "store"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()


def _replay() -> Replays:
    from gpt_trader.adapters.feeds.replay import Replay

    return Replay


def _limits() -> ReadLimits:
    from gpt_trader.app.words import limits_of_words

    return limits_of_words


def _clusters() -> Any:
    from gpt_trader.adapters.clusters import dask

    return dask
