"""Counts the rows of Parquet files and sums a hash of each: `parquetDigest.py LIST`, a file name on each line."""
import json
import sys

import duckdb

with open(sys.argv[1], encoding='utf-8') as names:
    files = names.read().splitlines()
columns = 'id, "user", session, event, path, price, agent'
rows, total = (
    duckdb.execute(f'SELECT count(*), sum(hash({columns})::HUGEINT) FROM read_parquet($files)', {'files': files}).fetchone()
    if files
    else (0, 0)
)
print(json.dumps({'rows': rows, 'digest': str(total)}))
