"""Copies the visible files below a folder of OSS-HDFS.

argv: address, root URI, folder, local folder, log folder, key id, secret.
"""
import os
import sys

from pyjindo import fs

CHUNK_BYTES = 8 * 1024 * 1024

address, root, folder, local, log_folder, key_id, secret = sys.argv[1:]
config = fs.Config()
for name, value in {
    'fs.oss.endpoint': address,
    'fs.oss.second.level.domain.enable': 'true',
    'fs.oss.data.lake.storage.enable': 'true',
    'fs.oss.https.enable': 'false',
    'fs.oss.region': 'cn-test',
    'fs.oss.accessKeyId': key_id,
    'fs.oss.accessKeySecret': secret,
    'fs.jdo.memory.pool.size.max.mb': '256',
    'logger.dir': log_folder,
    'logger.level': '6',
}.items():
    config.set(name, value)
lake = fs.connect(root, 'bench', config)


def fetch(uri, target):
    os.makedirs(target, exist_ok=True)
    for one in lake.listdir(uri):
        name = one.path.rstrip('/').rsplit('/', 1)[-1]
        if name.startswith(('.', '_')):
            continue
        if one.is_dir:
            fetch(uri + '/' + name, os.path.join(target, name))
            continue
        with lake.open(uri + '/' + name, 'rb') as source, open(os.path.join(target, name), 'wb') as copy:
            left = one.size
            while left > 0:
                chunk = source.read(min(CHUNK_BYTES, left))
                if not chunk:
                    raise EOFError(f'{uri}/{name} ended {left} bytes early')
                copy.write(chunk)
                left -= len(chunk)


fetch(root + folder, local)
