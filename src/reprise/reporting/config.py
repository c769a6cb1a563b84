"""The ``report`` section of params.yaml."""

from __future__ import annotations

from pydantic import Field

from reprise.section import Section


class ReportConfig(Section):
    """What the report shows."""

    title: str = Field(default="Model report", min_length=1, max_length=120)
    """Heading of the report; name the project or the experiment."""

    samples: int = Field(default=6, ge=0, le=24)
    """Test images shown with ground truth beside predictions; more make the file larger."""

    errors: int = Field(default=24, ge=0, le=96)
    """Pictures in the gallery of worst errors, taken in turn from each kind of error."""
