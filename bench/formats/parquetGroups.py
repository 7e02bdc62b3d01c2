"""Counts the files, row groups and rows of Parquet files: `parquetGroups.py LIST`, a file name on each line."""
import json
import sys

import duckdb

with open(sys.argv[1], encoding='utf-8') as names:
    files = names.read().splitlines()
groups = sum(
    duckdb.execute('SELECT num_row_groups FROM parquet_file_metadata($file)', {'file': file}).fetchone()[0]
    for file in files
)
rows = duckdb.execute('SELECT count(*) FROM read_parquet($files)', {'files': files}).fetchone()[0] if files else 0
print(json.dumps({'files': len(files), 'groups': groups, 'rows': rows}))
