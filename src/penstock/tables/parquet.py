"""Parquet: typed columns, read and written in batches of rows (pyarrow, the extra `parquet`)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from penstock.errors import DeliveryError, InputError, MissingExtra
from penstock.tables.cell import text_of, whole
from penstock.tables.delimited import Delimited
from penstock.tables.table import Column, Row, Table, check_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence, Sized
    from pathlib import Path

_BATCH = 4096  # rows that are turned into Python values at a time, at the most
_BATCH_SIZE = 1 << 24  # bytes of them, as far as the file tells
_BUFFER = 1 << 20
_GROUP = 65_536  # rows of a row group that is written
_GROUP_SIZE = 1 << 25  # characters of one, at the most


def arrow() -> Any:
    """Import pyarrow, which has no types of its own.

    Raises:
        MissingExtra: When it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError as error:
        raise MissingExtra("Parquet", "parquet") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Parquet:
    """A Parquet file, opened for reading.

    Attributes:
        path: Where it lies.
        columns: Names of its columns.
        schema: Their types, a `pyarrow.Schema`.
    """

    path: Path
    columns: tuple[str, ...]
    schema: Any

    def rows(self) -> Iterator[Row]:
        """Yield every row, one batch in memory at a time."""
        number = 0
        with _opened(self.path) as file:
            for batch in _batches(file, path=self.path):
                columns = [
                    _cells(column, name=name, path=self.path)
                    for name, column in zip(self.columns, batch.columns, strict=True)
                ]
                for place, cells in enumerate(zip(*columns, strict=True)):
                    yield Row(number + place, cells)
                number += batch.num_rows


def open_parquet(path: Path) -> Parquet:
    """Read the schema of a Parquet file.

    Raises:
        InputError: When it cannot be read or has no rows.
        MissingExtra: When pyarrow is not installed.
    """
    with _opened(path) as file:
        if not file.metadata.num_rows:
            raise InputError(f"{path} has columns and no rows: give a table with at least one row.")
        schema = file.schema_arrow
        return Parquet(path=path, columns=check_columns(schema.names, path=path), schema=schema)


def _opened(path: Path) -> Any:
    pa = arrow()

    try:
        return pa.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except pa.ArrowException as error:
        raise InputError(f"{path} is not a Parquet file, or a damaged one ({_brief(error)}): make it again.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or _brief(error)}).") from error


def _batches(file: Any, *, path: Path) -> Iterator[Any]:
    pa = arrow()

    try:
        yield from file.iter_batches(batch_size=_batch(file.metadata), use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is damaged ({_brief(error)}): make it again.") from error


def _batch(metadata: Any) -> int:
    """Number of rows of a batch, fewer where rows are large."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    largest: int = max(group.total_byte_size // max(group.num_rows, 1) for group in groups)
    return max(1, min(_BATCH, _BATCH_SIZE // max(largest, 1)))


def _cells(column: Any, *, name: str, path: Path) -> list[Any]:
    """Turn an Arrow array into Python values, and what Python has none for into what Arrow takes back unchanged.

    Moments to the nanosecond become texts; years beyond 9999 and spans to the nanosecond their whole number of units.
    """
    types = arrow().types
    kind = column.type
    nanoseconds = getattr(kind, "unit", "") == "ns"
    tries = [_in_microseconds] if nanoseconds else [_listed]
    tries += [_as_texts] if nanoseconds and types.is_timestamp(kind) else []
    tries += [_as_units] if types.is_temporal(kind) else []
    for turn in tries:
        with suppress(arrow().ArrowException, ValueError, OverflowError):
            return turn(column)
    raise InputError(f"Column '{name}' of {path} holds a {kind} that cannot be read: convert it.")


def _in_microseconds(column: Any) -> list[Any]:
    pa, kind = arrow(), column.type
    if pa.types.is_timestamp(kind):
        return _listed(column.cast(pa.timestamp("us", kind.tz)))
    return _listed(column.cast(pa.time64("us") if pa.types.is_time(kind) else pa.duration("us")))


def _as_texts(column: Any) -> list[Any]:
    return _listed(column.cast(arrow().string()))


def _as_units(column: Any) -> list[Any]:
    return _listed(column.cast(arrow().int32() if column.type.bit_width == 32 else arrow().int64()))


def _listed(column: Any) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


class ParquetWriter:
    """Writes rows as Parquet, a row group at a time.

    Columns that a Parquet source has keep their types; those of other sources get the type that holds all their cells.

    Args:
        file: Where the bytes go; it is not closed.
        path: Under what name they will be published.
        columns: Names of columns of the source, and added ones.
        like: The source.
    """

    def __init__(self, file: BinaryIO, *, path: Path, columns: Sequence[str | Column], like: Table | None) -> None:
        self._path = path
        self._schema = _schema(columns, like=like)
        self._rows: list[Sequence[Any]] = []
        self._size = 0
        self._writer = arrow().parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, cells: Sequence[Any]) -> None:
        """Take one row; a full row group is written."""
        self._rows.append(cells)
        self._size += sum(map(_size, cells))
        if len(self._rows) == _GROUP or self._size > _GROUP_SIZE:
            self._flush()

    def finish(self) -> None:
        """Write what is still held back, and the end of the file."""
        if self._rows:
            self._flush()
        self._writer.close()

    def abandon(self) -> None:
        """Let go of a file that will not be published."""
        self._writer.is_open = False

    def _flush(self) -> None:
        pa = arrow()

        columns = zip(*self._rows, strict=True)
        arrays = [
            _array(cells, field=field, path=self._path) for cells, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=_GROUP)
        self._rows, self._size = [], 0


def _size(cell: object) -> int:
    return len(cast("Sized", cell)) if type(cell) in {str, bytes, list} else 0


def _schema(columns: Sequence[str | Column], *, like: Table | None) -> Any:
    pa = arrow()

    kept = [column for column in columns if isinstance(column, str)]
    added = [column for column in columns if isinstance(column, Column)]
    if like and isinstance(like.source, Parquet):
        schema = like.source.schema
        fields = {name: schema.field(name) for name in kept}
    else:
        schema = pa.schema([])
        fields = {name: pa.field(name, kind) for name, kind in _types(kept, like=like).items()}
    fields |= {
        column.name: pa.field(column.name, pa.float64() if column.kind == "number" else pa.string()) for column in added
    }
    order = [column if isinstance(column, str) else column.name for column in columns]
    return pa.schema([fields[name] for name in order], metadata=schema.metadata)


def _types(names: Sequence[str], *, like: Table | None) -> dict[str, Any]:
    """Tell the types of columns from all their cells, which takes one pass; cells of a text file are texts."""
    pa = arrow()

    seen: dict[str, set[type]] = {name: set() for name in names}
    if like and not isinstance(like.source, Delimited):
        places = [(like.column(name), seen[name]) for name in names]
        for row in like.rows():
            for place, found in places:
                found.add(_type(row.cells[place]))
    known: dict[type, Any] = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        datetime: pa.timestamp("us"),
        date: pa.date32(),
        time: pa.time64("us"),
        timedelta: pa.duration("us"),
    }
    types: dict[str, Any] = {}
    for name, found in seen.items():
        found.discard(type(None))
        only = float if found == {int, float} else found.pop() if len(found) == 1 else str
        types[name] = known.get(only, pa.string())
    return types


def _type(cell: object) -> type:
    if type(cell) is int and abs(cell) > 2**53:  # beyond it a number may not survive as a float
        return str
    if isinstance(cell, datetime) and cell.tzinfo:
        return str
    return type(cell)


def _array(cells: Sequence[Any], *, field: Any, path: Path) -> Any:
    pa = arrow()

    try:
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            return pa.array([*map(_text, cells)], type=field.type)
        if not any(isinstance(cell, str) for cell in cells) or _is_textual(field.type):
            return pa.array(cells, type=field.type)
        return pa.array([*map(_text, cells)], type=pa.string()).cast(field.type)
    except (pa.ArrowException, UnicodeEncodeError, ValueError, OverflowError, TypeError) as error:
        reason = f"Column '{field.name}' of {path} is of type {field.type} and a cell does not fit ({_brief(error)})"
        raise DeliveryError(f"{reason}: write CSV or JSONL instead.") from error


def _is_textual(kind: Any) -> bool:
    pa = arrow()

    return bool(pa.types.is_dictionary(kind) or pa.types.is_string_view(kind))


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    return whole(cell) if isinstance(cell, str) else text_of(cell)


def _brief(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
