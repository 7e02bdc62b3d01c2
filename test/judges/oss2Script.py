"""Alibaba's Python client at work on the server: argv is address, bucket and signature version; prints what it saw as JSON."""
import json
import sys
import urllib.request

import oss2

address, bucket_name, version = sys.argv[1:]
endpoint = 'http://' + address
auth_type = oss2.AuthV4 if version == '4' else oss2.Auth
options = {'region': 'cn-test'} if version == '4' else {}


def open_bucket(key_id='test-id', secret='test-secret'):
    return oss2.Bucket(auth_type(key_id, secret), endpoint, bucket_name, **options)


def code_of(call):
    try:
        call()
        return None
    except oss2.exceptions.OssError as error:
        return [error.status, error.code]


def multipart(key, parts):
    upload_id = bucket.init_multipart_upload(key).upload_id
    done = []
    for number, data in parts:
        result = bucket.upload_part(key, upload_id, number, data)
        done.append(oss2.models.PartInfo(number, result.etag, size=len(data), part_crc=result.crc))
    return upload_id, done


seen = {}
bucket = open_bucket()
bucket.create_bucket()
service = oss2.Service(auth_type('test-id', 'test-secret'), endpoint, **options)
seen['buckets'] = [one.name for one in oss2.BucketIterator(service)]
seen['location'] = bucket.get_bucket_info().location

# The client compares the CRC-64 of everything that it puts and gets.
key = 'folder/ü + x'
bucket.put_object(key, b'hello')
seen['content'] = bucket.get_object(key).read().decode()
seen['range'] = bucket.get_object(key, byte_range=(1, 3)).read().decode()
seen['length'] = [bucket.head_object(key).content_length, bucket.get_object_meta(key).content_length]
forbid = {'x-oss-forbid-overwrite': 'true'}
seen['forbidden'] = code_of(lambda: bucket.put_object(key, b'other', headers=forbid))
seen['signedUrl'] = urllib.request.urlopen(bucket.sign_url('GET', key, 60, slash_safe=True)).read().decode()

seen['appended'] = [bucket.append_object('log', 0, b'one').next_position]
seen['appended'].append(bucket.append_object('log', 3, b'two').next_position)
seen['wrongPosition'] = code_of(lambda: bucket.append_object('log', 3, b'two'))

upload_id, parts = multipart('big', [(1, b'a' * 102400), (2, b'b' * 102401), (5, b'tail')])
seen['parts'] = [one.part_number for one in oss2.PartIterator(bucket, 'big', upload_id, max_parts=1)]
seen['uploads'] = [one.key for one in oss2.MultipartUploadIterator(bucket, max_uploads=1)]
bucket.complete_multipart_upload('big', upload_id, parts)
seen['big'] = len(bucket.get_object('big').read())
seen['completedTwice'] = code_of(lambda: bucket.complete_multipart_upload('big', upload_id, parts))
upload_id, parts = multipart('small', [(1, b'a'), (2, b'b')])
seen['tooSmall'] = code_of(lambda: bucket.complete_multipart_upload('small', upload_id, parts))
bucket.abort_multipart_upload('small', upload_id)
seen['uploadsLeft'] = [one.key for one in oss2.MultipartUploadIterator(bucket)]

bucket.copy_object(bucket_name, 'big', 'copy')
seen['listed'] = [one.key for one in oss2.ObjectIterator(bucket, max_keys=2)]
seen['listedV2'] = [one.key for one in oss2.ObjectIteratorV2(bucket, max_keys=2, delimiter='/')]
seen['deleted'] = sorted(bucket.batch_delete_objects(['big', 'copy', 'log']).deleted_keys)
bucket.delete_object(key)
seen['absent'] = code_of(lambda: bucket.get_object(key))
seen['wrongSecret'] = code_of(lambda: open_bucket(secret='wrong').get_object(key))
seen['wrongId'] = code_of(lambda: open_bucket(key_id='unknown').get_object(key))
bucket.delete_bucket()
print(json.dumps(seen))
