"""Reads what the Rust library `beaker` has stored. Nothing is written.

    python read_beaker_rs.py file DATA_DIR ID
    python read_beaker_rs.py sqlite FILE ID
    python read_beaker_rs.py redis HOST:PORT ID
    python read_beaker_rs.py memcached HOST:PORT ID
    python read_beaker_rs.py id-cookie KEY NAME VALUE
    python read_beaker_rs.py signed-cookie KEY NAME VALUE
    python read_beaker_rs.py sealed-cookie KEY NAME VALUE
    python read_beaker_rs.py record HEX

It prints JSON. Times are microseconds since 1970. Python 3.8; sealed cookies
need the package `cryptography`. The page "The stored bytes" explains it all.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import sqlite3
import struct
import sys
import zlib


class Unreadable(ValueError):
    """The bytes are damaged, or the library has not written them."""


def check(is_right, what):
    if not is_right:
        raise Unreadable(what)


# A record, in whatever store it is.

def record(data):
    check(len(data) >= 22, 'a record has 22 bytes at least')
    layout, codec, checksum, stored, fresh = struct.unpack_from('<BBIQQ', data)
    check(layout == 1, 'format %d of the record' % layout)
    others = data[:2] + data[6:]
    check(checksum == zlib.crc32(others), 'the checksum of the record')
    fresh = None if fresh == 2**64 - 1 else fresh
    found, payload = {'stored': stored, 'fresh_until': fresh}, data[22:]
    if codec:
        return {**found, **session(codec, payload)}
    other, rest = payload[:32].decode(), payload[32:]
    if not rest:
        return {**found, 'moved_to': other}
    return {**found, 'arrives_from': other, **session(rest[0], rest[1:])}


def session(codec, payload):
    check(codec in (1, 2), 'codec %d, which is a program\'s own' % codec)
    if codec == 1:
        created, accessed, values = bincode(payload)
    else:
        created, accessed, values = json.loads(payload)
        # The keys of the session itself are as they are.
        values = {key: from_json(value) for key, value in values.items()}
    return {'created': created, 'accessed': accessed, 'values': values}


def bincode(data):
    at = 0

    def number(layout):
        nonlocal at
        size = struct.calcsize('<' + layout)
        check(at + size <= len(data), 'the end comes too early')
        at += size
        return struct.unpack_from('<' + layout, data, at - size)[0]

    def raw():
        nonlocal at
        size = number('Q')
        check(at + size <= len(data), 'the end comes too early')
        at += size
        return data[at - size:at]

    def entries():
        return {raw().decode(): value() for _ in range(number('Q'))}

    def value():
        kind = number('I')
        check(kind < 8, 'kind %d of a value' % kind)
        return [lambda: None, lambda: bool(number('B')), lambda: number('q'),
                lambda: number('d'), lambda: raw().decode(), raw,
                lambda: [value() for _ in range(number('Q'))], entries][kind]()

    found = number('Q'), number('Q'), entries()
    check(at == len(data), 'bytes are left over')
    return found


def from_json(value):
    if isinstance(value, list):
        return [from_json(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get('$bytes'), str):
        return bytes.fromhex(value['$bytes'])
    if isinstance(value.get('$float'), str):
        return float(value['$float'])
    return {key[1:] if key.startswith('$$') else key: from_json(inner)
            for key, inner in value.items()}


# The stores.

def file(data_dir, id):
    folder = os.path.join(data_dir, 'container_file', id[:1], id[:2])
    with open(os.path.join(folder, id + '.cache'), 'rb') as opened:
        return in_file(opened.read())


def in_file(data):
    check(data[:4] == b'BKF1' and len(data) >= 24, 'the header of the file')
    checksum, version, expires = struct.unpack_from('<IQQ', data, 4)
    check(checksum == zlib.crc32(data[8:]), 'the checksum of the file')
    return {'version': version, 'expires': expires or None, **record(data[24:])}


def sqlite(path, id, table='beaker_values'):
    database = sqlite3.connect('file:%s?mode=ro' % path, uri=True)
    row = database.execute(
        'select namespace, name, version, expires_at, bytes, checksum '
        'from "%s" where namespace = ? and name = ?' % table, ('', id))
    found = row.fetchone()
    database.close()
    check(found, 'no row')
    return in_row(*found)


def in_row(namespace, name, version, expires, data, checksum):
    head = b'%s\0%s\0' % (namespace.encode(), name.encode())
    numbers = struct.pack('<qq?', version, expires or 0, expires is not None)
    whole = head + numbers + data
    check(checksum == zlib.crc32(whole), 'the checksum of the row')
    return {'version': version % 2**64, 'expires': expires, **record(data)}


def redis(address, id):
    key = b'beaker::' + id.encode()
    get = b'*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n' % (len(key), key)
    version, data = parted(asked(address, get, b'$'))
    return {'version': version, **record(data)}


def memcached(address, id):
    get = b'get %s\r\n' % id.encode()
    expires, data = parted(asked(address, get, b'VALUE '))
    return {'expires': expires or None, **record(data)}


def parted(data):
    check(len(data) >= 8, 'the header of the value')
    return struct.unpack_from('<Q', data)[0], data[8:]


def asked(address, question, beginning):
    """One answer, whose first line ends with the number of its bytes."""
    host, port = address.rsplit(':', 1)
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(question)
        with connection.makefile('rb') as answer:
            line = answer.readline()
            found = line.startswith(beginning) and line != b'$-1\r\n'
            check(found, 'the answer %r' % line)
            return answer.read(int(line.split()[-1].lstrip(b'$')))


# Cookies.

def unsigned(key, label, value):
    text, dot, signature = value.rpartition('.')
    message = struct.pack('<I', len(label.encode())) + (label + text).encode()
    made = hmac.new(key.encode(), message, hashlib.sha256).digest()
    check(hmac.compare_digest(made, from_base64(signature)), 'the signature')
    return text


def from_base64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def id_cookie(key, name, value):
    id, dash, sent = unsigned(key, name, value).partition('-')
    return {'id': id, 'sent': int(sent, 16) * 10**6 if sent else None}


def signed_cookie(key, name, value):
    return content(from_base64(unsigned(key, 'session in ' + name, value)))


def sealed_cookie(key, name, value):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    sealed, label = from_base64(value), b'session in ' + name.encode()
    check(sealed[:1] == b'\1', 'the version of the sealed text')
    secret = hmac.new(bytes(32), key.encode(), hashlib.sha256).digest()  # HKDF
    info = b'beaker sealed cookie 1\1'
    cipher = AESGCM(hmac.new(secret, info, hashlib.sha256).digest())
    return content(cipher.decrypt(sealed[1:13], sealed[13:], b'\1' + label))


def content(data):
    check(len(data) >= 18 and data[0] == 1, 'the version of the session')
    return {'id': data[2:18].hex(), **session(data[1], data[18:])}


if __name__ == '__main__':
    kinds = {'record': lambda text: record(bytes.fromhex(text)), 'file': file,
             'sqlite': sqlite, 'redis': redis, 'memcached': memcached,
             'id-cookie': id_cookie, 'signed-cookie': signed_cookie,
             'sealed-cookie': sealed_cookie}
    if len(sys.argv) < 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    found = kinds[sys.argv[1]](*sys.argv[2:])
    shown = {'indent': 2, 'default': lambda raw: {'$bytes': raw.hex()}}
    print(json.dumps(found, **shown))
