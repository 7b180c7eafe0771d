"""Downloads into the cache, each held to its published checksum."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import pooch

from mutua.types import InputError

__all__ = ["Remote", "fetch"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remote:
    """A file to download. `checksum` is "md5:..." or "sha256:..."."""

    url: str
    checksum: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def fetch(remotes: tuple[Remote, ...], folder: Path) -> None:
    """Download what `folder` lacks. A file is given its name only when it is whole and its checksum is right.

    Raises OSError where there is no network or no room, `InputError` where a file is not what it should be.
    """
    for remote in remotes:
        if not (folder / remote.name).exists():
            log.info("downloading %s to %s", remote.url, folder)
        try:
            pooch.retrieve(remote.url, remote.checksum, remote.name, folder)
        except ValueError as error:  # pooch's word for a wrong checksum
            message = "arrived with a wrong checksum; try again later, or fetch it by hand"
            raise InputError(f"{remote.url}: {message}") from error
