# ruff: noqa: SLF001 - what SQLAlchemy's engine uses of a compiled statement has no public names
"""SQLAlchemy Core's statements on the driver's own connection, without SQLAlchemy's engine in between.

SQLAlchemy writes the SQL, once for each form of statement; asyncpg runs it. An engine would do the same through a pool,
a greenlet and a cursor that imitates another kind of driver, for four times the processor time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.engine.result import IteratorResult, Result, SimpleResultMetaData

_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own gap
_REMEMBERED = 1000  # forms of statements, after which all are forgotten

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A compiled statement without its values. `read` converts what the driver returns, for columns that need it."""

    compiled: Any  # SQLAlchemy's compiler, of whose parts only some are typed
    columns: SimpleResultMetaData | None
    read: tuple[Convert | None, ...]

    def sql(self, literals: Sequence[BindParameter[Any]], values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Return the text and its arguments: `literals` are those of this statement, in the order of the form's."""
        text, names, convert = self.compiled.string, self.compiled.positiontup, self.compiled._bind_processors
        arguments = self.compiled.construct_params(values, extracted_parameters=literals, _no_postcompile=True)
        if self.compiled.post_compile_params:  # an IN has as many parameters as there are values
            expanded = self.compiled._process_parameters_for_postcompile(arguments)
            text, names, convert = expanded.statement, expanded.positiontup, {**convert, **expanded.processors}
            arguments = expanded.parameters
        return text, [convert[name](arguments[name]) if name in convert else arguments[name] for name in names]

    def result(self, rows: Sequence[Any]) -> Result[Any]:
        """Return the driver's rows as SQLAlchemy's."""
        columns = self.columns or SimpleResultMetaData(list(rows[0].keys()) if rows else [])
        return IteratorResult(columns, map(self._row, rows))

    def _row(self, row: Any) -> tuple[Any, ...]:
        if not any(self.read):
            return tuple(row)
        return tuple(
            value if read is None else read(value) for value, read in zip(row.values(), self.read, strict=True)
        )


class Connection:
    """A connection that runs the statements of a domain. `driver` is asyncpg's, for SQL that is written by hand."""

    def __init__(self, driver: Any) -> None:  # asyncpg is untyped here
        self.driver = driver
        self._shown: UUID | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open. Of a connection that died none is."""
        return not self.driver.is_closed() and bool(self.driver.is_in_transaction())

    async def show(self, account_id: UUID) -> None:
        """Let row security show the rows of an account to whatever is read next outside a transaction.

        The connection keeps showing them, so that reading for the same account again needs no second round trip.
        """
        if self._shown != account_id:
            self._shown = None  # nobody knows, should this fail or be cancelled
            await self.driver.execute(f"SET app.account_id = '{account_id}'")
            self._shown = account_id

    async def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Result[Any]:
        """Run a statement and return all its rows.

        Args:
            statement: of SQLAlchemy Core.
            values: of its named parameters, or of the columns of an `insert`, which is faster than in `values()`.

        Raises:
            asyncpg.PostgresError: what PostgreSQL answers, such as `UniqueViolationError` with `constraint_name`.
        """
        values = values or {}
        key = statement._generate_cache_key()  # type: ignore[attr-defined]  # every statement has it
        form = _form(statement, key, tuple(values))
        text, arguments = form.sql(key.bindparams, values)
        return form.result(await self.driver.fetch(text, *arguments))


_forms: dict[tuple[Any, tuple[str, ...]], _Form] = {}


def _form(statement: Any, key: Any, names: tuple[str, ...]) -> _Form:
    form = _forms.get((key.key, names))
    if form is None:
        if len(_forms) >= _REMEMBERED:
            _forms.clear()
        compiled = statement.compile(dialect=_DIALECT, cache_key=key, column_keys=list(names) or None)
        columns = list(getattr(statement, "exported_columns", ()))
        form = _forms[key.key, names] = _Form(
            compiled,
            SimpleResultMetaData([column.key for column in columns]) if columns else None,
            tuple(column.type.dialect_impl(_DIALECT).result_processor(_DIALECT, None) for column in columns),
        )
    return form
