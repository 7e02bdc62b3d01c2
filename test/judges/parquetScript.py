"""Reads a Parquet file with pyarrow and DuckDB, and compares it with the JSON lines that it was made of."""
import json
import sys
import duckdb
import pyarrow.parquet as pq

parquet, lines, columns = sys.argv[1:4]
db = duckdb.connect(config={"threads": 1})
db.execute("SET TimeZone = 'UTC'")
source = f"read_json('{lines}', format='newline_delimited', columns={columns})"
written = f"SELECT * FROM read_parquet('{parquet}')"
expected = f"SELECT * FROM {source}"


def count(query):
    return db.execute(f"SELECT count(*) FROM ({query})").fetchone()[0]


file = pq.ParquetFile(parquet, page_checksum_verification=True)
table = file.read()
table.validate(full=True)
print(
    json.dumps(
        {
            "rows": count(written),
            "missing": count(f"{expected} EXCEPT ALL {written}"),
            "foreign": count(f"{written} EXCEPT ALL {expected}"),
            "duckdb": {row[0]: row[1] for row in db.execute(f"DESCRIBE {written}").fetchall()},
            "pyarrow": {field.name: str(field.type) for field in table.schema},
            "arrowRows": [table.num_rows, file.metadata.num_rows, file.metadata.num_row_groups],
            # What readers skip row groups by must not hide a row.
            "found": [
                db.execute(f"SELECT count(*) FROM read_parquet('{parquet}') WHERE id = {n}").fetchone()[0]
                for n in (-9007199254740993, 0, 41)
            ],
            "firstDecimals": [str(value) for value in table.column("price").to_pylist()[:3]],
        }
    )
)
