"""Typed files: Parquet as DuckDB reads it, and Arrow (Feather) by way of Parquet, a batch at a time."""

from pathlib import Path
from typing import Any

import duckdb

from andon.datafile.errors import DataFileInvalid, unreadable
from andon.datafile.table import DataFile
from andon.datafile.values import MOST_COLUMNS, distinct, literal, typed


def parquet(name: object, path: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    """Open a Parquet file."""
    table = f"read_parquet({literal(path)}, hive_partitioning=false)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    except duckdb.Error as error:
        raise unreadable(name, error) from error
    if len(described) > MOST_COLUMNS:
        raise DataFileInvalid(f"{name} has {len(described):,} columns; at most {MOST_COLUMNS:,} can be read")
    cells = [typed(f'"{column.replace(chr(34), chr(34) * 2)}"', kind) for column, kind, *_ in described]
    source = ", ".join(f"{sql} AS c{i}" for i, (sql, _) in enumerate(cells))
    names, notices = distinct([row[0] for row in described])
    return DataFile(
        name, names, tuple(kind for _, kind in cells), f"SELECT {source} FROM {table}", connection, tuple(notices)
    )


def arrow(name: object, path: Path, folder: Path, connection: duckdb.DuckDBPyConnection) -> DataFile:
    """Open an Arrow file or stream. Raises DataFileInvalid, which names the extra that is missing."""
    try:
        import pyarrow as pa
        from pyarrow import ipc
        from pyarrow import parquet as writing
    except ImportError as error:
        raise DataFileInvalid(
            f"{name} is an Arrow file, which needs pyarrow: pip install 'andon[arrow]', or write it as Parquet"
        ) from error
    copy = folder / "arrow.parquet"
    try:
        with pa.memory_map(str(path)) as file:
            batches = _batches(ipc, file)
            schema: Any = next(batches)
            names, notices = distinct(list(schema.names))
            renamed = pa.schema([field.with_name(free) for field, free in zip(schema, names, strict=True)])
            with writing.ParquetWriter(copy, renamed, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(pa.record_batch(batch.columns, schema=renamed))
    except (pa.ArrowException, OSError) as error:
        raise DataFileInvalid(f"{name} cannot be read as Arrow: {str(error).splitlines()[0]}") from error
    data = parquet(name, copy, connection)
    return DataFile(name, data.names, data.types, data.source, connection, (*notices, *data.notices))


def _batches(ipc: Any, file: Any) -> Any:
    """Yield the schema, then the batches of a file with a footer or of a stream."""
    if file.read(6) == b"ARROW1":
        with ipc.open_file(file) as reader:
            yield reader.schema
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
        return
    file.seek(0)
    with ipc.open_stream(file) as reader:
        yield reader.schema
        yield from reader
