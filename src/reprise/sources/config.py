"""Parameters of data sources: where a dataset comes from and how large it may be."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from reprise.params import Section

# `local` stands for a path, which carries no scheme.
SCHEMES = ("file", "http", "https")


class SourceConfig(Section):
    """One dataset: a folder or an archive, here or on a server."""

    url: Annotated[str, Field(min_length=1)]
    """A path from the repository's top folder, file:///path, or http(s)://...; an archive
    (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz) or, when it is local, a folder."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the archive; leave it empty once and the error message says what to paste.
    A folder may go without."""

    format: Literal["coco"]
    """How the labels are written: coco (one or more COCO JSON files)."""

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        parts = urlsplit(self.url)
        if "://" not in self.url:
            return self
        if parts.scheme not in SCHEMES:
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
            raise ValueError(f"url may be a local path or start with {known}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("url must not hold a user name or password")
        if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
            raise ValueError("a file url has three slashes: file:///path/to/archive.zip")
        return self


class LimitsConfig(Section):
    """What one source may cost; a source over a limit is refused, not cut short."""

    max_download_gb: Annotated[float, Field(gt=0)] = 20.0
    """Largest archive in GB (10^9 bytes); raise it for a larger dataset."""

    max_unpacked_gb: Annotated[float, Field(gt=0)] = 50.0
    """Largest size of all unpacked files of a source in GB (10^9 bytes)."""

    max_files: Annotated[int, Field(gt=0)] = 1_000_000
    """Most files in one source."""

    max_image_megapixels: Annotated[float, Field(gt=0)] = 100.0
    """Largest image in millions of pixels; larger ones go to the ledger, undecoded."""
