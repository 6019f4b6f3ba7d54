"""The protocol itself, byte by byte: start-up, extended queries, pipelines, row limits, cancel, garbage."""
import os
import random
import socket
import struct
import threading
import time

from support import harness, pgclient, servers


class Protocol(harness.HeliosCase):
    database = 'e2e_protocol'

    def raw(self):
        s = socket.create_connection(('127.0.0.1', self.server.port), timeout=20)
        return s

    def closed(self, s, limit=20):
        """True when the server closes this connection in time."""
        s.settimeout(limit)
        try:
            while s.recv(4096):
                pass
        except socket.timeout:
            return False
        except ConnectionError:
            pass
        return True

    def still_serving(self):
        with self.connect() as c:
            self.assertEqual(c.value('SELECT 1'), '1')

    # -- start-up
    def test_ssl_and_gss_requests_are_answered(self):
        for code in (80877103, 80877104):
            with self.raw() as s:
                s.sendall(struct.pack('!ii', 8, code))
                self.assertIn(s.recv(1), (b'N', b'S', b'G'))
        with self.raw() as s:
            s.sendall(struct.pack('!ii', 8, 80877104))
            if s.recv(1) == b'G':
                return
            s.sendall(struct.pack('!ii', 8, 80877103))
            if s.recv(1) == b'N':
                body = struct.pack('!i', 196608) + b'user\0postgres\0database\0postgres\0\0'
                s.sendall(struct.pack('!i', len(body) + 4) + body)
                self.assertEqual(s.recv(1), b'R')

    def test_newer_minor_version_is_negotiated(self):
        with self.raw() as s:
            body = struct.pack('!i', 196608 + 2) + b'user\0postgres\0database\0postgres\0_pq_.fancy\0on\0\0'
            s.sendall(struct.pack('!i', len(body) + 4) + body)
            data = s.recv(4096)
            self.assertEqual(data[:1], b'v')
            length, version, count = struct.unpack('!iii', data[1:13])
            self.assertEqual((version & 0xffff, count), (0, 1))
            self.assertEqual(data[13:length + 1], b'_pq_.fancy\0')
            self.assertEqual(data[length + 1:length + 2], b'R')

    def test_other_major_version_is_refused(self):
        with self.raw() as s:
            s.sendall(struct.pack('!ii', 9, 131072) + b'\0')
            self.assertEqual(s.recv(1), b'E')
            self.assertTrue(self.closed(s))

    def test_parameters_reported_at_start(self):
        with self.connect() as c, harness.shared_postgres().connect() as p:
            self.assertEqual(set(c.parameters), set(p.parameters))
            for name in p.parameters:
                if name not in ('server_version', 'TimeZone'):
                    self.assertEqual(c.parameters[name], p.parameters[name], name)
            self.assertTrue(c.parameters['server_version'].startswith('15'))
            c.one("SET application_name = 'me'")
            self.assertEqual(c.parameters['application_name'], 'me')
            c.one("SET TimeZone = 'Europe/Berlin'")
            self.assertEqual(c.parameters['TimeZone'], 'Europe/Berlin')

    def test_options_at_start(self):
        with self.connect(options={'options': '-c statement_timeout=1234 -c search_path=a,public', 'application_name': 'opt'}) as c:
            self.assertEqual(c.value('SHOW statement_timeout'), '1234ms')
            self.assertEqual(c.value('SHOW application_name'), 'opt')

    def test_unknown_role_and_database(self):
        with self.assertRaises(pgclient.ServerError) as caught:
            self.connect(user='nobody_here')
        self.assertEqual(caught.exception.fields['C'], '28000')
        self.assertEqual(caught.exception.fields['M'], 'role "nobody_here" does not exist')

    def test_database_is_made_when_named(self):
        with self.server.connect('e2e_made_by_name') as c:
            self.assertEqual(c.value('SELECT current_database()'), 'e2e_made_by_name')

    # -- extended protocol
    def test_pipeline_without_sync_between(self):
        with self.connect() as c:
            for i in range(50):
                c.send_parse('', 'SELECT $1::int + %d' % i)
                c.send_bind('', '', [i])
                c.send_execute()
            c.message(b'S')
            self.assertEqual([a.rows[0][0] for a in c.collect()], [str(2 * i).encode() for i in range(50)])

    def test_error_skips_until_sync(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS skip; CREATE TABLE skip (x int)')
            for sql in ('INSERT INTO skip VALUES (1)', 'SELECT 1/0', 'INSERT INTO skip VALUES (2)'):
                c.send_parse('', sql)
                c.send_bind('', '')
                c.send_execute()
            c.message(b'S')
            answers = c.collect()
            self.assertEqual([bool(a.error) for a in answers], [False, True])
            self.assertEqual(c.status, 'I')
            self.assertEqual(c.value('SELECT count(*) FROM skip'), '0')     # one implicit transaction up to Sync

    def test_row_limits_suspend_portals(self):
        with self.connect() as c:
            c.query('BEGIN')
            c.send_parse('s', 'SELECT g FROM generate_series(1, 7) g')
            c.send_bind('p', 's')
            for limit in (3, 3, 3):
                c.send_execute('p', limit)
            c.message(b'S')
            answers = c.collect()
            self.assertEqual([len(a.rows) for a in answers], [3, 3, 1])
            self.assertEqual([a.suspended for a in answers], [True, True, False])
            self.assertEqual(answers[2].tag, 'SELECT 1')
            c.query('COMMIT')
            c.send_execute('p', 1)
            c.message(b'S')
            self.assertSqlState(c.collect(), '34000')

    def test_describe_statement(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS described; CREATE TABLE described (id int, name varchar(9))')
            c.send_parse('d', 'SELECT id, name FROM described WHERE id = $1 AND name = $2 LIMIT $3')
            c.message(b'D', b'Sd\0')
            c.message(b'S')
            answer = c.collect()[0]
            self.assertEqual(answer.params, [23, 25, 20])
            self.assertEqual([(x[0], x[3], x[5]) for x in answer.columns], [('id', 23, -1), ('name', 1043, 13)])
            self.assertEqual([x[2] for x in answer.columns], [1, 2])

    def test_describe_agrees_with_postgres(self):
        texts = ['SELECT $1', 'SELECT $1::int + $2', 'SELECT $1 || $2', 'INSERT INTO dp VALUES ($1, $2, $3)',
                 'UPDATE dp SET b = $1 WHERE a = $2 RETURNING *', 'SELECT * FROM dp WHERE a = ANY ($1) AND c > $2 LIMIT $3 OFFSET $4',
                 'SELECT $1 = 1.5', 'SELECT coalesce($1, 5)', "SELECT $1 + interval '1 day'", 'SELECT CASE WHEN $1 THEN $2 ELSE 1 END',
                 'SELECT a, count(*) AS n, sum(a) FROM dp GROUP BY a', 'DELETE FROM dp WHERE a IN ($1, $2)', 'BEGIN', '',
                 'VALUES ($1, 2)', 'SELECT substring($1 FROM $2)', 'SELECT upper($1), abs($2)', 'SHOW work_mem', 'EXPLAIN SELECT 1',
                 'SELECT $2', 'SELECT $1::varchar(5), $2::numeric(5,2), $3::timestamp(3)', 'SELECT now(), current_user, 1.5, NULL',
                 'SELECT a FROM dp UNION SELECT $1', 'SELECT (SELECT b FROM dp WHERE a = $1)', 'FETCH 1 FROM nothing', 'SELECT $1 IS NULL',
                 'SELECT ARRAY[$1, 2], $2::int[], $3::text[]', 'WITH x AS (SELECT $1::int AS v) SELECT v + $2 FROM x', 'TABLE dp']
        answers = []
        for server in (harness.shared_postgres(), self.server):
            with server.connect() as c:
                c.query('DROP TABLE IF EXISTS dp; CREATE TABLE dp (a int, b text, c numeric(8,2))')
                mine = []
                for sql in texts:
                    c.send_parse('x', sql)
                    c.message(b'D', b'Sx\0')
                    c.message(b'C', b'Sx\0')
                    c.message(b'S')
                    got = c.collect()
                    got = got[0] if got else pgclient.Answer()
                    mine.append((got.params, got.columns and [(x[0], x[2], x[3], x[4], x[5]) for x in got.columns],
                                 got.error and got.error['C']))
                answers.append(mine)
        for sql, want, got in zip(texts, *answers):
            with self.subTest(sql):
                self.assertEqual(got, want)

    def test_binary_round_trip(self):
        samples = ["true", "1::int2", "-5::int4", "9e18::int8", "1.5::float4", "'NaN'::float8", "123.4500::numeric", "-1e-20::numeric",
                   "'NaN'::numeric", "'tëxt'::text", "'abc'::char(5)", "'v'::varchar(3)", "'n'::name", "'c'::\"char\"", "5::oid", "'\\x00ff'::bytea",
                   "'2020-02-29'::date", "'infinity'::date", "'12:34:56.789'::time", "'12:34+02'::timetz", "'2020-02-29 12:34:56.789'::timestamp",
                   "'2020-02-29 12:34+02'::timestamptz", "'1 mon 2 days 03:04:05.678'::interval", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
                   "'{1,NULL,3}'::int[]", "'{{a,b},{c,d}}'::text[]", "'{}'::numeric[]", "'pg_class'::regclass", "'{1.5,NaN}'::float8[]"]
        with self.connect() as c, harness.shared_postgres().connect() as p:
            for sample in samples:
                with self.subTest(sample):
                    sql = 'SELECT %s AS x' % sample
                    want = p.extended(sql, result_format=1)[-1]
                    got = c.extended(sql, result_format=1)[-1]
                    self.assertIsNone(got.error)
                    self.assertEqual((got.rows, got.columns[0][3]), (want.rows, want.columns[0][3]))
                    # and back in as a binary parameter
                    oid = want.columns[0][3]
                    c.send_parse('', 'SELECT $1::text', [oid])
                    c.send_bind('', '', [want.rows[0][0]], param_format=1)
                    c.send_execute()
                    c.message(b'S')
                    text = p.one('SELECT (%s)::text' % sample).rows[0][0]
                    answer = c.collect()[-1]
                    self.assertIsNone(answer.error)
                    self.assertEqual(answer.rows[0][0], text)

    def test_wrong_binary_lengths_are_errors(self):
        with self.connect() as c:
            for oid in (16, 21, 23, 20, 700, 701, 1700, 1082, 1083, 1114, 1184, 1186, 2950, 1007, 1009):
                for raw in (b'', b'\1', b'\xff' * 3, b'\xff' * 40, b'\0\0\0\1\0\0\0\0\0\0\0\x17\x7f\xff\xff\xff\0\0\0\1'):
                    c.send_parse('', 'SELECT $1::text', [oid])
                    c.send_bind('', '', [raw], param_format=1)
                    c.send_execute()
                    c.message(b'S')
                    c.collect()
        self.still_serving()

    def test_named_things(self):
        with self.connect() as c:
            c.send_parse('twice', 'SELECT 1')
            c.send_parse('twice', 'SELECT 2')
            c.message(b'S')
            self.assertSqlState(c.collect(), '42P05')
            c.send_bind('', 'nothing')
            c.message(b'S')
            self.assertSqlState(c.collect(), '26000')
            c.send_parse('', 'SELECT 1; SELECT 2')
            c.message(b'S')
            self.assertSqlState(c.collect(), '42601')
            c.send_parse('', 'SELECT $1::int')
            c.send_bind('', '', [1, 2])
            c.message(b'S')
            self.assertSqlState(c.collect(), '08P01')

    def test_several_statements_are_one_transaction(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS multi; CREATE TABLE multi (x int PRIMARY KEY)')
            answers = c.query('INSERT INTO multi VALUES (1); INSERT INTO multi VALUES (1); INSERT INTO multi VALUES (2)')
            self.assertSqlState(answers, '23505')
            self.assertEqual(c.value('SELECT count(*) FROM multi'), '0')
            c.query('INSERT INTO multi VALUES (1); COMMIT; INSERT INTO multi VALUES (2); SELECT 1/0')
            self.assertEqual(c.value('SELECT count(*) FROM multi'), '1')

    def test_empty_query(self):
        with self.connect() as c:
            self.assertEqual(c.query('')[0].tag, '')
            self.assertEqual(c.query(' ; ')[0].tag, '')
            self.assertEqual(c.extended('')[0].tag, '')

    def test_copy_fail_aborts(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS cf; CREATE TABLE cf (x int)')
            c.start_copy_in('COPY cf FROM STDIN')
            c.message(b'd', b'1\n2\n')
            c.message(b'f', b'changed my mind\0')
            error = self.assertSqlState(c.collect(), '57014')
            self.assertIn('changed my mind', error['M'])
            self.assertEqual(c.value('SELECT count(*) FROM cf'), '0')

    def test_copy_split_anywhere(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS cs; CREATE TABLE cs (x int, y text)')
            data = b''.join(b'%d\tt\\n%d\n' % (i, i) for i in range(300))
            c.start_copy_in('COPY cs FROM STDIN')
            for i in range(0, len(data), 7):
                c.message(b'd', data[i:i + 7])
            c.message(b'c')
            self.assertEqual(c.collect()[0].tag, 'COPY 300')

    def test_cancel(self):
        with self.connect() as c:
            threading.Timer(0.4, c.cancel).start()
            began = time.monotonic()
            self.assertSqlState(c.query('SELECT count(*) FROM generate_series(1, 2000000000)'), '57014')
            self.assertLess(time.monotonic() - began, 10 * servers.SLOWNESS)
            self.assertEqual(c.value('SELECT 1'), '1')
            wrong = (c.key[0], c.key[1] ^ 1)
            c.key, right = wrong, c.key
            c.cancel()
            c.key = right
            self.assertEqual(c.value('SELECT 1'), '1')

    def test_cancel_reaches_a_lock_wait(self):
        with self.connect() as a, self.connect() as b:
            a.query('DROP TABLE IF EXISTS lw; CREATE TABLE lw (x int PRIMARY KEY); INSERT INTO lw VALUES (1)')
            a.query('BEGIN; UPDATE lw SET x = 1')
            threading.Timer(0.4, b.cancel).start()
            self.assertSqlState(b.query('UPDATE lw SET x = 2'), '57014')
            a.query('ROLLBACK')

    def test_timeouts(self):
        with self.connect() as c:
            c.one("SET statement_timeout = '300ms'")
            self.assertSqlState(c.query('SELECT count(*) FROM generate_series(1, 2000000000)'), '57014')
            self.assertSqlState(c.query('SELECT pg_sleep(20)'), '57014')
        with self.connect() as c:
            c.one("SET idle_in_transaction_session_timeout = '300ms'")
            c.query('BEGIN')
            kind, body = c.read_message()
            self.assertEqual((kind, pgclient.error_fields(body)['C']), (b'E', '25P03'))

    def test_terminate_from_another_session(self):
        with self.connect() as a, self.connect() as b:
            pid = a.value('SELECT pg_backend_pid()')
            self.assertEqual(b.value('SELECT pg_terminate_backend(%s)' % pid), 't')
            with self.assertRaises((pgclient.Disconnected, AssertionError, KeyError)):
                for _ in range(50):
                    time.sleep(0.05)
                    self.assertIsNone(a.query('SELECT 1')[0].error)

    def test_abandoned_transaction_is_rolled_back(self):
        c = self.connect()
        c.query('DROP TABLE IF EXISTS ab; CREATE TABLE ab (x int PRIMARY KEY)')
        c.query('BEGIN; INSERT INTO ab VALUES (1)')
        c.socket.close()
        with self.connect() as d:
            d.one("SET lock_timeout = '10s'")
            self.assertEqual(d.one('INSERT INTO ab VALUES (1)').tag, 'INSERT 0 1')

    def test_large_values(self):
        with self.connect(timeout=120) as c:
            big = 'x' * 5_000_000
            self.assertEqual(c.value("SELECT length('%s')" % big), '5000000')
            self.assertEqual(len(c.value("SELECT repeat('y', 5000000)")), 5000000)
            self.assertEqual(c.extended('SELECT length($1)', [big])[0].rows[0][0], b'5000000')

    def test_many_columns(self):
        with self.connect() as c:
            self.assertEqual(len(c.one('SELECT ' + ', '.join(str(i) for i in range(1600))).rows[0]), 1600)
            self.assertSqlState(c.query('SELECT ' + ', '.join(str(i) for i in range(1700))), '54011')
            self.assertSqlState(c.query('CREATE TABLE toowide (%s)' % ', '.join('c%d int' % i for i in range(1601))), '54011')

    # -- garbage
    def test_garbage_before_start(self):
        random.seed(4)
        for data in (b'', b'\0', b'GET / HTTP/1.0\r\n\r\n', b'\xff' * 100, struct.pack('!ii', 8, 0), struct.pack('!ii', -1, 196608),
                     struct.pack('!ii', 0x7fffffff, 196608), struct.pack('!ii', 4, 196608), struct.pack('!ii', 10001, 196608) + b'x' * 9000,
                     struct.pack('!ii', 16, 196608) + b'user\0pos', struct.pack('!ii', 12, 80877102) + b'abcd',
                     *[random.randbytes(random.randint(1, 300)) for _ in range(60)]):
            with self.raw() as s:
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                self.assertTrue(self.closed(s), 'still open after %r' % data[:40])
        self.still_serving()

    def test_a_huge_start_packet_takes_no_memory(self):
        before = self.server.memory_kb()
        connections = []
        for _ in range(20):
            s = self.raw()
            s.sendall(struct.pack('!ii', 0x3fffffff, 196608) + b'user\0')
            connections.append(s)
        self.assertLess(self.server.memory_kb() - before, 20000)
        for s in connections:
            s.close()

    def test_garbage_frames_close_only_that_connection(self):
        random.seed(5)
        with self.connect() as witness:
            for kind in b'QPBEDCSHdcfXpF\0\xff\x41':
                for body in (b'', b'\0', b'\xff' * 5, b'no terminator', random.randbytes(50), b'\0\0\x7f\xff' * 4):
                    c = self.connect()
                    try:
                        c.message(bytes([kind]), body)
                        c.message(b'S')
                        c.socket.shutdown(socket.SHUT_WR)
                        self.assertTrue(self.closed(c.socket), (kind, body))
                    except (OSError, pgclient.Disconnected):
                        pass
                    c.socket.close()
            self.assertEqual(witness.value('SELECT 2'), '2')

    def test_frame_lengths_that_lie(self):
        for length in (0, 3, -1, 0x7fffffff, 0x40000001):
            c = self.connect()
            c.send(b'Q' + struct.pack('!i', length) + b'SELECT 1\0')
            c.socket.shutdown(socket.SHUT_WR)
            self.assertTrue(self.closed(c.socket), length)
            c.socket.close()
        self.still_serving()

    def test_random_bytes_in_a_session(self):
        random.seed(6)
        for _ in range(100 if not harness.SANITIZER else 30):
            c = self.connect()
            try:
                c.send(random.randbytes(random.randint(1, 400)))
                c.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(self.closed(c.socket))
            except (OSError, pgclient.Disconnected):
                pass
            c.socket.close()
        self.still_serving()

    def test_mutated_messages(self):
        random.seed(7)
        good = (b'P' + struct.pack('!i', 4 + 20) + b's\0SELECT $1::int\0\0\1\0\0\0\x17'[:20], b'B\0\0\0\x18p\0s\0\0\1\0\0\0\1\0\0\0\0011\0\0\0\0',
                b'D\0\0\0\x07Pp\0', b'E\0\0\0\x0ap\0\0\0\0\0', b'S\0\0\0\4')
        for _ in range(200 if not harness.SANITIZER else 50):
            data = bytearray(b''.join(good))
            for _ in range(random.randint(1, 4)):
                data[random.randrange(len(data))] = random.randrange(256)
            c = self.connect()
            try:
                c.send(bytes(data))
                c.socket.shutdown(socket.SHUT_WR)
                self.assertTrue(self.closed(c.socket))
            except (OSError, pgclient.Disconnected):
                pass
            c.socket.close()
        self.still_serving()

    def test_invalid_utf8(self):
        with self.connect() as c:
            c.message(b'Q', b"SELECT '\xff\xfe'\0")
            self.assertSqlState(c.collect(), '22021')
            c.send_parse('', 'SELECT $1::text')
            c.send_bind('', '', [b'\xc3\x28'])
            c.message(b'S')
            self.assertSqlState(c.collect(), '22021')
            self.assertEqual(c.value('SELECT 1'), '1')

    def test_idle_connections_are_cheap(self):
        before = self.server.memory_kb()
        many = [self.connect() for _ in range(60)]
        for c in many:
            c.value('SELECT 1')
        each = (self.server.memory_kb() - before) / 60
        print('     an idle connection that ran one query takes %.0f kB' % each)
        for c in many:
            c.close()
