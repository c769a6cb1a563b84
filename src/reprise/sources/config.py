"""Parameters of data sources: where a dataset comes from and how large it may be."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from reprise.formats.registry import FORMATS
from reprise.section import OneOf, Section, worded
from reprise.sources.urls import SCHEMES, check_remote_url

REPOSITORY_SCHEMES = ("git+https", "git+http", "git+ssh", "git+file")

Url = Annotated[
    str,
    Field(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$"),
    worded("Input should be a path or a URL, without control characters"),
]
Revision = Annotated[
    str,
    Field(pattern=r"^[^-\s][^\s]*$"),
    worded("Input should be a commit, a tag or a branch, in quotes if it is a number"),
]
Sha256 = Annotated[
    str,
    Field(pattern="^[0-9a-f]{64}$"),
    worded("Input should be 64 digits 0-9 and a-f, as sha256sum prints them"),
]
Version = Annotated[
    str,
    Field(pattern="^(latest|[0-9]{12})$"),
    worded("Input should be latest, or a stamp YYMMDDHHmmss in quotes"),
]


def known_encoding(name: str) -> str:
    """The name of a text encoding of Python, as it is.

    Raises:
        ValueError: There is none of this name.
    """
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(
            "Input should be a code page that Python knows: gb18030, shift_jis, cp866"
        ) from None
    return name


class SourceConfig(Section):
    """One dataset: a folder or an archive, here, on a server, in a bucket or in a repository."""

    url: Url
    """A path from the repository's top folder, or file://, http(s)://, s3://, gs://, az://,
    sftp://: an archive (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz) or, when it is local or in a
    bucket, a folder; or a repository: git+https://, git+ssh://, git+file:///path."""

    revision: Revision | None = None
    """Of a repository, Git or DVC: a full commit hash, or a tag or branch with a sha256."""

    path: Annotated[str, Field(min_length=1)] | None = None
    """Folder or file inside the repository; empty takes all of it."""

    sha256: Sha256 | None = None
    """SHA-256 of the archive or folder; leave it empty once and the error message says what to
    paste, or run `reprise pin URL`. A local folder may go without."""

    format: Annotated[str, OneOf(["auto", *FORMATS])] = "auto"
    """How the labels are written; auto finds out, says why, and asks when it cannot tell."""

    encoding: Annotated[str, AfterValidator(known_encoding)] | None = None
    """Code page of an archive's file names, and of label files, that are not Unicode, as Python
    names it: gb18030, shift_jis, cp949, cp866, cp850; empty guesses that of names, and says so."""

    version: Version = "latest"
    """For labels that are kept in versions side by side: latest, or a stamp YYMMDDHHmmss."""

    uncertain: Literal["negative", "positive", "drop"] = "negative"
    """What -1 says in a table of labels whose other cells are 1, 0 or blank: negative takes it
    for no, positive for yes, drop leaves its image out."""

    license: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Of the images and labels, as SPDX names it (CC-BY-4.0) or in words; the report and the
    model card state it."""

    unlabelled: Literal["auto", "background", "drop"] = "auto"
    """Images that no label speaks of: background keeps them as images without objects, drop
    leaves them out; auto drops them where a label file lists the images, else keeps them."""

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        scheme = urlsplit(self.url).scheme if "://" in self.url else ""
        if scheme:
            check_remote_url(self.url, (*SCHEMES, *REPOSITORY_SCHEMES), "path/to/data")
        if scheme.startswith("git+"):
            if self.revision is None:
                raise ValueError("a repository needs a revision: a commit, a tag or a branch")
            if urlsplit(self.url).query:
                raise ValueError("the url of a repository must not hold a query")
            parts = (self.path or "").split("/")
            if "\\" in (self.path or "") or ".." in parts or self.path in (".", "/"):
                raise ValueError("path names a folder or file inside the repository: data/images")
        elif self.revision is not None or self.path is not None:
            raise ValueError("revision and path are for repositories: git+https://...")
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

    keep_downloads_gb: Annotated[float, Field(ge=0)] = 20.0
    """Most disk space in GB (10^9 bytes) for downloads that the next run need not fetch again;
    the longest unused go first; 0 keeps none. No result depends on it."""
