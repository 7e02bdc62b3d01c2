"""JindoSDK's own Python interface at work on the server: argv is address, log folder and secret; prints what it saw as JSON."""
import json
import sys

from pyjindo import fs

address, log_folder, secret = sys.argv[1:]
config = fs.Config()
for name, value in {
    'fs.oss.endpoint': address,
    'fs.oss.second.level.domain.enable': 'true',
    'fs.oss.data.lake.storage.enable': 'true',
    'fs.oss.https.enable': 'false',
    'fs.oss.region': 'cn-test',
    'fs.oss.accessKeyId': 'test-id',
    'fs.oss.accessKeySecret': secret,
    'fs.oss.retry.count': '1',
    'fs.jdo.memory.pool.size.max.mb': '256',
    'logger.dir': log_folder,
    'logger.level': '6',
}.items():
    config.set(name, value)

root = 'oss://lake/'
seen = {}
lake = fs.connect(root, 'tester', config)


def names(path):
    return sorted([one.path[len(root):], one.is_dir, one.size] for one in lake.listdir(path))


def error_of(call):
    try:
        call()
        return None
    except OSError as error:
        return type(error).__name__


seen['empty'] = error_of(lambda: lake.listdir(root))
if seen['empty'] is None:
    lake.mkdir(root + 'a/b')
    with lake.open(root + 'a/b/one', 'wb') as file:
        file.write(b'hello ')
        file.flush()
        seen['tell'] = file.tell()
        file.write(b'world')
    with lake.open(root + 'a/b/one', 'rb') as file:
        seen['content'] = file.read().decode()
    seen['renamed'] = lake.rename(root + 'a/b/one', root + 'a/ü two')
    seen['listed'] = names(root + 'a')
    seen['size'] = lake.get_file_info(root + 'a/ü two').size
    # Above a block's upload threshold, so that it goes up in parts.
    big = bytes(range(256)) * 4096 * 20
    with lake.open(root + 'big', 'wb') as file:
        file.write(big)
    with lake.open(root + 'big', 'rb') as file:
        seen['big'] = file.read() == big
    seen['removed'] = lake.remove(root + 'a/ü two')
    seen['exists'] = lake.exists(root + 'a/ü two')
    seen['absent'] = error_of(lambda: lake.open(root + 'a/ü two', 'rb'))
    lake.remove(root + 'a')
    lake.remove(root + 'big')
    seen['left'] = names(root)
print(json.dumps(seen))
