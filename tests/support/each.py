"""One test of many cases that cost next to nothing: a test for each would cost more than what it checks."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Case = TypeVar("Case")


def each(cases: Sequence[Case], name: Callable[[Case], str]) -> Callable[[Callable[[Case], None]], Callable[[], None]]:
    """Return what makes a check of one case a test of all of them; it tells every case that failed, by its name."""

    def of_all(check: Callable[[Case], None]) -> Callable[[], None]:
        def test() -> None:
            assert cases, "no case is checked"
            failures = []
            for case in cases:
                try:
                    check(case)
                except Exception as exc:  # noqa: BLE001  # told with all others below
                    exc.add_note(name(case))
                    failures.append(exc)
            if failures:
                names = ", ".join(note for failure in failures for note in failure.__notes__)
                msg = f"{len(failures)} of {len(cases)} cases: {names}"
                raise ExceptionGroup(msg, failures)

        test.__name__, test.__qualname__, test.__doc__ = check.__name__, check.__qualname__, check.__doc__
        test.__module__ = check.__module__
        return test

    return of_all
