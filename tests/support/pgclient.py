"""A small client of the PostgreSQL protocol 3.0 that hides nothing: every field of every answer, and raw bytes when wanted."""
import re
import socket
import struct


COPY_CHUNK = 262144     # bytes a CopyData message


class Disconnected(Exception):
    """The server closed the connection, or never answered."""


class Answer:
    """What one statement was answered with."""

    def __init__(self):
        self.columns = None     # list of (name, table oid, attnum, type oid, typlen, typmod, format)
        self.rows = []
        self.tag = None         # command tag; '' for an empty query
        self.error = None       # dict of the error fields by letter
        self.copy_out = None    # bytes sent by COPY TO STDOUT
        self.suspended = False
        self.params = None      # parameter type oids of a Describe

    def __repr__(self):
        return 'Answer(tag=%r error=%r rows=%r)' % (self.tag, self.error, self.rows[:5])


class ServerError(Exception):
    def __init__(self, fields):
        super().__init__('%s: %s' % (fields.get('C'), fields.get('M')))
        self.fields = fields


def error_fields(body):
    fields = {}
    for part in body.split(b'\0'):
        if part:
            fields[part[:1].decode('latin-1')] = part[1:].decode('utf-8', 'replace')
    return fields


class Connection:
    def __init__(self, host='127.0.0.1', port=5432, user='postgres', database='postgres', timeout=30.0, options=None,
                 startup=True):
        self.buffer = b''
        self.notices = []
        self.parameters = {}
        self.notifications = []
        self.status = None
        self.key = None
        self.address = (host, port)
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if startup:
            self._start(user, database, options or {})

    # -- bytes
    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionError) as e:
            raise Disconnected(str(e))

    def message(self, kind, body=b''):
        self.send(kind + struct.pack('!i', len(body) + 4) + body)

    def receive(self, n):
        while len(self.buffer) < n:
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise Disconnected('no answer within the time limit')
            except ConnectionError as e:
                raise Disconnected(str(e))
            if not data:
                raise Disconnected('connection closed by the server')
            self.buffer += data
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def read_message(self):
        """The next message as (kind, body); notices, notifications and parameters are also kept aside."""
        head = self.receive(5)
        kind = head[:1]
        body = self.receive(struct.unpack('!i', head[1:])[0] - 4)
        if kind == b'N':
            self.notices.append(error_fields(body))
        elif kind == b'S':
            name, value = body.split(b'\0')[:2]
            self.parameters[name.decode()] = value.decode()
        elif kind == b'A':
            pid = struct.unpack('!i', body[:4])[0]
            channel, payload = body[4:].split(b'\0')[:2]
            self.notifications.append((pid, channel.decode(), payload.decode()))
        elif kind == b'Z':
            self.status = body.decode()
        return kind, body

    def _start(self, user, database, options):
        pairs = {'user': user, 'database': database, 'client_encoding': 'UTF8', **options}
        body = struct.pack('!i', 196608)
        for k, v in pairs.items():
            body += k.encode() + b'\0' + v.encode() + b'\0'
        body += b'\0'
        self.send(struct.pack('!i', len(body) + 4) + body)
        while True:
            kind, body = self.read_message()
            if kind == b'E':
                raise ServerError(error_fields(body))
            if kind == b'R' and struct.unpack('!i', body[:4])[0] != 0:
                raise Disconnected('the server asks for a password')
            if kind == b'K':
                self.key = struct.unpack('!ii', body[:8])
            if kind == b'Z':
                return

    # -- answers
    def collect(self, copy_data=None, extended=False):
        """Reads answers up to ReadyForQuery."""
        answers, current = [], Answer()
        while True:
            kind, body = self.read_message()
            if kind == b'Z':
                if current.columns is not None or current.params is not None:
                    answers.append(current)
                return answers
            if kind == b'T':
                current.columns = parse_columns(body)
            elif kind == b't':
                count = struct.unpack('!h', body[:2])[0]
                current.params = list(struct.unpack('!%dI' % count, body[2:]))
            elif kind == b'D':
                current.rows.append(parse_row(body))
            elif kind in b'CIEs':
                if kind == b'C':
                    current.tag = body.rstrip(b'\0').decode()
                elif kind == b'I':
                    current.tag = ''
                elif kind == b's':
                    current.suspended = True
                else:
                    current.error = error_fields(body)
                answers.append(current)
                current = Answer()
            elif kind == b'G':
                if copy_data is None:
                    self.message(b'f', b'no data\0')
                else:
                    for at in range(0, len(copy_data), COPY_CHUNK):
                        self.message(b'd', copy_data[at:at + COPY_CHUNK])
                    self.message(b'c')
                if extended:
                    self.message(b'S')      # the Sync sent before is ignored during COPY
            elif kind == b'H':
                current.copy_out = b''
            elif kind == b'd':
                current.copy_out += body

    def query(self, sql, copy_data=None):
        """Simple protocol: the answers to all statements of the text."""
        self.message(b'Q', sql.encode('utf-8', 'surrogateescape') + b'\0')
        return self.collect(copy_data)

    def one(self, sql, copy_data=None):
        """The only, or last, answer; raises ServerError when it is an error."""
        answers = self.query(sql, copy_data)
        if answers[-1].error:
            raise ServerError(answers[-1].error)
        return answers[-1]

    def value(self, sql):
        return self.one(sql).rows[0][0].decode()

    def extended(self, sql, params=(), types=(), result_format=0, copy_data=None, max_rows=0):
        """Parse, Bind, Describe, Execute, Sync in one go, text parameters."""
        self.send_parse('', sql, types)
        self.send_bind('', '', params, result_format)
        self.message(b'D', b'P\0')
        self.send_execute('', max_rows)
        self.message(b'S')
        return self.collect(copy_data, extended=True)

    def send_parse(self, name, sql, types=()):
        self.message(b'P', name.encode() + b'\0' + sql.encode() + b'\0' +
                     struct.pack('!h%dI' % len(types), len(types), *types))

    def send_bind(self, portal, name, params=(), result_format=0, param_format=0):
        body = portal.encode() + b'\0' + name.encode() + b'\0' + struct.pack('!hh', 1, param_format)
        body += struct.pack('!h', len(params))
        for p in params:
            if p is None:
                body += struct.pack('!i', -1)
            else:
                raw = p if isinstance(p, bytes) else str(p).encode()
                body += struct.pack('!i', len(raw)) + raw
        self.message(b'B', body + struct.pack('!hh', 1, result_format))

    def send_execute(self, portal='', max_rows=0):
        self.message(b'E', portal.encode() + b'\0' + struct.pack('!i', max_rows))

    def start_copy_in(self, sql):
        """Sends COPY ... FROM STDIN and returns once the server waits for data."""
        self.message(b'Q', sql.encode() + b'\0')
        while True:
            kind, body = self.read_message()
            if kind == b'G':
                return
            if kind == b'E':
                raise ServerError(error_fields(body))

    def cancel(self):
        """Sends a cancel request for this connection over a second one."""
        with socket.create_connection(self.address, timeout=5) as s:
            s.sendall(struct.pack('!iiii', 16, 80877102, *self.key))
            s.recv(1)

    def close(self):
        try:
            self.message(b'X')
        except Disconnected:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def parse_columns(body):
    count = struct.unpack('!h', body[:2])[0]
    at, columns = 2, []
    for _ in range(count):
        end = body.index(b'\0', at)
        name = body[at:end].decode('utf-8', 'replace')
        columns.append((name,) + struct.unpack('!IhIhih', body[end + 1:end + 19]))
        at = end + 19
    return columns


def parse_row(body):
    count = struct.unpack('!h', body[:2])[0]
    at, row = 2, []
    for _ in range(count):
        length = struct.unpack('!i', body[at:at + 4])[0]
        at += 4
        if length < 0:
            row.append(None)
        else:
            row.append(body[at:at + length])
            at += length
    return row


def tag_count(tag):
    m = re.search(r'(\d+)$', tag or '')
    return int(m.group(1)) if m else None
