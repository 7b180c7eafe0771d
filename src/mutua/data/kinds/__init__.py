"""The kinds of data there are. A new kind is a file here and an entry below."""

from mutua.data.kinds.base import Access, Kind
from mutua.data.kinds.image import IMAGE
from mutua.data.kinds.series import SERIES
from mutua.data.kinds.sound import SOUND
from mutua.data.kinds.table import TABLE
from mutua.data.kinds.text import TEXT
from mutua.data.kinds.video import VIDEO

__all__ = ["KINDS", "Access", "Kind"]

KINDS: dict[str, Kind] = {kind.name: kind for kind in (IMAGE, SOUND, TEXT, VIDEO, SERIES, TABLE)}
