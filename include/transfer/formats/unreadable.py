"""What an object is that cannot be read back."""

from collections.abc import Sequence


class Unreadable(Exception):
    """The bytes are not what the object's name says; the text says where and why."""

    @classmethod
    def unless_same_columns(cls, found: Sequence[str], columns: Sequence[str]) -> None:
        """Raise unless `found` are `columns`, in their order."""
        if list(found) == list(columns):
            return
        missing = [name for name in columns if name not in found]
        extra = [name for name in found if name not in columns]
        if missing or extra:
            raise cls(f"columns are missing {missing[:10]} or unexpected {extra[:10]}")
        raise cls(f"its columns are in another order: {', '.join(found)[:200]}")
