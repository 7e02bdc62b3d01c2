"""Reads everything below a folder through JindoSDK's own Python interface: argv is address, log folder, the folder's URI and where to
put the copy; prints the path and size of every file as JSON. `.tidemark`, where the journal's marker is, is left out."""
import json
import os
import sys

from pyjindo import fs

address, log_folder, root, target = sys.argv[1:]
config = fs.Config()
for name, value in {
    'fs.oss.endpoint': address,
    'fs.oss.second.level.domain.enable': 'true',
    'fs.oss.data.lake.storage.enable': 'true',
    'fs.oss.https.enable': 'false',
    'fs.oss.region': 'cn-test',
    'fs.oss.accessKeyId': 'test-id',
    'fs.oss.accessKeySecret': 'test-secret',
    'fs.jdo.memory.pool.size.max.mb': '256',
    'logger.dir': log_folder,
    'logger.level': '6',
}.items():
    config.set(name, value)

lake = fs.connect(root + '/', 'tester', config)
found = []


def copy(folder):
    for one in lake.listdir(folder):
        path = one.path.rstrip('/')
        below = path[len(root) + 1:]
        if below.split('/')[0] == '.tidemark':
            continue
        if one.is_dir:
            copy(path)
            continue
        with lake.open(path, 'rb') as file:
            content = file.read()
        local = os.path.join(target, below)
        os.makedirs(os.path.dirname(local), exist_ok=True)
        with open(local, 'wb') as file:
            file.write(content)
        found.append([below, len(content)])


copy(root)
print(json.dumps(sorted(found)))
