"""``reprise pin``: the entry of ``data.sources`` for a url, with its digest filled in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from reprise.errors import RepriseError
from reprise.sources.config import LimitsConfig, SourceConfig
from reprise.sources.download import error_context
from reprise.sources.repositories import is_repository
from reprise.sources.urls import file_name, without_queries
from reprise.sources.verified_copy import verified_copy

_SIGNED = re.compile(r"sig|token|credential|secret|password|key|auth", re.IGNORECASE)


def pin(
    url: str,
    limits: LimitsConfig,
    base: Path,
    scratch: Path,
    revision: str | None = None,
    path: str | None = None,
) -> str:
    """Fetch or read what a url names, and write its entry for params.yaml.

    What was fetched is kept in ``scratch``, so that the pipeline need not fetch it again.

    Args:
        url: As for ``data.sources.<name>.url``.
        limits: From ``data.limits``.
        base: Folder that local paths start from.
        scratch: The download stage's folder for downloads.
        revision: Of a repository; its newest commit when left out.
        path: Folder or file inside a repository.

    Returns:
        Lines of YAML to paste under ``data.sources``. Of a repository, the revision is the
        full hash of the commit. A query that looks like a signature is left out.

    Raises:
        RepriseError: The url cannot be used, or what it names is missing, too large, or no
            dataset.
    """
    if is_repository(url) and revision is None:
        revision = "HEAD"
    try:
        source = SourceConfig(url=url, revision=revision, path=path)
    except ValidationError as error:
        reasons = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise RepriseError(f"this url cannot be used: {reasons}.", "correct it.") from None
    name = _name(path or url)
    with error_context("pin"), verified_copy(source, limits, base, scratch, pinning=True) as copy:
        sha256, commit = copy.sha256, copy.commit
    lines = [f"{yaml_text(name)}:", f"  url: {yaml_text(shown_url(url))}"]
    lines += [f"  revision: {commit}"] if commit else []
    lines += [f"  path: {yaml_text(path)}"] if path else []
    lines += [f"  sha256: {sha256}", "  format: auto"]
    if shown_url(url) != url:
        lines.insert(0, "# The url's query looks like a signature: put it back only if it is none.")
    return "\n".join(lines) + "\n"


def _name(text: str) -> str:
    """A name that ``data.sources`` takes, from the last part of a url or path."""
    stem = file_name(text).partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "_", stem).strip("_")[:40] or "mine"


def shown_url(url: str) -> str:
    """A url without a query that looks like a signature."""
    return without_queries(url) if _SIGNED.search(urlsplit(url).query) else url


def yaml_text(text: str) -> str:
    """A text as a value in YAML, in quotes where it would be read as something else."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not text.isprintable():
        return json.dumps(text)
    try:
        plain = YAML(typ="safe", pure=True).load(f"url: {text}") == {"url": text}
    except YAMLError:
        plain = False
    return text if plain else "'" + text.replace("'", "''") + "'"
