"""Values that hold a secret: they cannot be printed, formatted, pickled or copied by a library."""

from typing import NoReturn, SupportsIndex, final


class Unprintable:
    """Mixed into every class that holds a secret. Shows its name and nothing else."""

    __slots__ = ()

    @final
    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    @final
    def __str__(self) -> str:
        return repr(self)

    @final
    def __format__(self, spec: str) -> str:
        return repr(self)

    @final
    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        message = f"a {type(self).__name__} holds a secret and is never written out"
        raise TypeError(message)
