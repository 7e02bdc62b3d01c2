"""Reads every object below a folder through oss2, Alibaba's Python client: argv is address, bucket, the folder and where to put the
copy. oss2 compares the CRC-64 of what it reads. Prints the names of all objects and of all unfinished uploads as JSON."""
import json
import os
import sys

import oss2

address, bucket_name, root, target = sys.argv[1:]
auth = oss2.AuthV4('test-id', 'test-secret')
bucket = oss2.Bucket(auth, 'http://' + address, bucket_name, region='cn-test')
names = []
for one in oss2.ObjectIteratorV2(bucket, prefix=root + '/'):
    below = one.key[len(root) + 1:]
    names.append(below)
    local = os.path.join(target, below)
    os.makedirs(os.path.dirname(local), exist_ok=True)
    bucket.get_object_to_file(one.key, local)
uploads = [one.key[len(root) + 1:] for one in oss2.MultipartUploadIterator(bucket, prefix=root + '/')]
print(json.dumps({'objects': sorted(names), 'uploads': sorted(uploads)}))
