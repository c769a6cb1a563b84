"""What every process that reads images imports: the fork server does it for all of them."""

from __future__ import annotations

import imagehash
import scipy.fftpack

from reprise.preprocessing import finish
from reprise.preprocessing.decode import open_formats

__all__ = ["finish", "imagehash", "scipy"]

open_formats()
