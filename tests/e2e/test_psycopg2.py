"""Programs written with psycopg2."""
import datetime
import decimal
import io
import uuid

import psycopg2
import psycopg2.extras

from support import harness


class Psycopg2(harness.HeliosCase):
    database = 'e2e_psycopg2'

    def setUp(self):
        super().setUp()
        self.conn = psycopg2.connect(host='127.0.0.1', port=self.server.port, user='postgres', dbname=self.database)
        self.cur = self.conn.cursor()
        self.cur.execute('DROP TABLE IF EXISTS t')
        self.cur.execute('CREATE TABLE t (id serial PRIMARY KEY, name text UNIQUE, n numeric, d date, ts timestamptz, a int[], b bytea, f float8, ok bool)')
        self.conn.commit()

    def tearDown(self):
        self.conn.close()
        super().tearDown()

    def test_types_round_trip(self):
        when = datetime.datetime(2020, 2, 29, 12, 34, 56, 789000, tzinfo=datetime.timezone.utc)
        row = ('ünï', decimal.Decimal('12.50'), datetime.date(2020, 2, 29), when, [1, 2, None], b'\x00\xff', 1.5, True)
        self.cur.execute('INSERT INTO t (name, n, d, ts, a, b, f, ok) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING id',
                         row[:5] + (psycopg2.Binary(row[5]),) + row[6:])
        self.assertEqual(self.cur.fetchone(), (1,))
        self.cur.execute('SELECT name, n, d, ts, a, b, f, ok FROM t')
        got = list(self.cur.fetchone())
        got[5] = bytes(got[5])
        self.assertEqual(tuple(got), row)

    def test_description_and_rowcount(self):
        self.cur.executemany('INSERT INTO t (name) VALUES (%s)', [('a',), ('b',), ('c',)])
        self.cur.execute('UPDATE t SET ok = true')
        self.assertEqual(self.cur.rowcount, 3)
        self.cur.execute('SELECT id, name FROM t ORDER BY id')
        self.assertEqual([c.name for c in self.cur.description], ['id', 'name'])
        self.assertEqual([c.type_code for c in self.cur.description], [23, 25])
        self.assertEqual(self.cur.fetchall(), [(1, 'a'), (2, 'b'), (3, 'c')])

    def test_errors_carry_their_fields(self):
        self.cur.execute("INSERT INTO t (name) VALUES ('x')")
        with self.assertRaises(psycopg2.errors.UniqueViolation) as caught:
            self.cur.execute("INSERT INTO t (name) VALUES ('x')")
        diag = caught.exception.diag
        self.assertEqual((diag.constraint_name, diag.table_name, diag.schema_name), ('t_name_key', 't', 'public'))
        self.assertEqual(diag.message_detail, 'Key (name)=(x) already exists.')
        with self.assertRaises(psycopg2.errors.InFailedSqlTransaction):
            self.cur.execute('SELECT 1')
        self.conn.rollback()
        with self.assertRaises(psycopg2.errors.UndefinedTable):
            self.cur.execute('SELECT * FROM nowhere')
        self.conn.rollback()

    def test_transactions(self):
        self.cur.execute("INSERT INTO t (name) VALUES ('gone')")
        self.conn.rollback()
        self.cur.execute('SELECT count(*) FROM t')
        self.assertEqual(self.cur.fetchone(), (0,))
        with self.conn:
            self.cur.execute("INSERT INTO t (name) VALUES ('kept')")
        self.assertEqual(self.conn.status, psycopg2.extensions.STATUS_READY)
        self.conn.set_session(isolation_level='REPEATABLE READ', readonly=True)
        self.cur.execute('SHOW transaction_isolation')
        self.assertEqual(self.cur.fetchone(), ('repeatable read',))
        with self.assertRaises(psycopg2.errors.ReadOnlySqlTransaction):
            self.cur.execute("INSERT INTO t (name) VALUES ('no')")
        self.conn.rollback()

    def test_server_side_cursor(self):
        psycopg2.extras.execute_values(self.cur, 'INSERT INTO t (name) VALUES %s', [('n%d' % i,) for i in range(1000)])
        named = self.conn.cursor('walker')
        named.itersize = 100
        named.execute('SELECT name FROM t ORDER BY id')
        self.assertEqual([r[0] for r in named], ['n%d' % i for i in range(1000)])
        named.close()

    def test_copy(self):
        self.cur.copy_from(io.StringIO(''.join('name%d\t%d\n' % (i, i) for i in range(5000))), 't', columns=('name', 'n'))
        self.cur.execute('SELECT count(*), sum(n) FROM t')
        self.assertEqual(self.cur.fetchone(), (5000, 12497500))
        out = io.StringIO()
        self.cur.copy_expert('COPY (SELECT name, n FROM t ORDER BY id LIMIT 2) TO STDOUT CSV HEADER', out)
        self.assertEqual(out.getvalue(), 'name,n\nname0,0\nname1,1\n')

    def test_extras(self):
        psycopg2.extras.register_uuid()
        cur = self.conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor)
        value = uuid.uuid4()
        cur.execute('SELECT %s::uuid AS u, %s AS t, ARRAY[%s, %s] AS a, %s IN %s AS i',
                    (value, 'it\'s "q" \\ %', 1, 2, 5, (4, 5)))
        self.assertEqual(dict(cur.fetchone()), {'u': value, 't': 'it\'s "q" \\ %', 'a': [1, 2], 'i': True})
        psycopg2.extras.execute_batch(cur, 'INSERT INTO t (name) VALUES (%s)', [(str(i),) for i in range(250)], page_size=100)
        cur.execute('SELECT count(*) AS n FROM t')
        self.assertEqual(cur.fetchone()['n'], 250)

    def test_notices_and_parameters(self):
        self.cur.execute('DROP TABLE IF EXISTS not_there_at_all')
        self.assertIn('does not exist, skipping', self.conn.notices[-1])
        self.assertEqual(self.conn.encoding, 'UTF8')
        self.assertGreaterEqual(self.conn.server_version, 150000)
        self.assertEqual(self.conn.get_parameter_status('standard_conforming_strings'), 'on')
        self.assertEqual(self.conn.get_parameter_status('integer_datetimes'), 'on')

    def test_cancel(self):
        import threading
        threading.Timer(0.5, self.conn.cancel).start()
        with self.assertRaises(psycopg2.errors.QueryCanceled):
            self.cur.execute('SELECT count(*) FROM generate_series(1, 1000000000) g')
        self.conn.rollback()
        self.cur.execute('SELECT 1')

    def test_two_connections_see_commits_only(self):
        other = psycopg2.connect(host='127.0.0.1', port=self.server.port, user='postgres', dbname=self.database)
        other.autocommit = True
        cur = other.cursor()
        self.cur.execute("INSERT INTO t (name) VALUES ('mine')")
        cur.execute('SELECT count(*) FROM t')
        self.assertEqual(cur.fetchone(), (0,))
        self.conn.commit()
        cur.execute('SELECT count(*) FROM t')
        self.assertEqual(cur.fetchone(), (1,))
        self.cur.execute("UPDATE t SET n = 1 WHERE name = 'mine'")
        cur.execute("SET lock_timeout = '200ms'")
        with self.assertRaises(psycopg2.errors.LockNotAvailable):
            cur.execute("UPDATE t SET n = 2 WHERE name = 'mine'")
        self.conn.rollback()
        other.close()

    def test_deadlock_is_found(self):
        import threading
        self.cur.execute("INSERT INTO t (name, n) VALUES ('a', 0), ('b', 0)")
        self.conn.commit()
        other = psycopg2.connect(host='127.0.0.1', port=self.server.port, user='postgres', dbname=self.database)
        cur = other.cursor()
        self.cur.execute("UPDATE t SET n = 1 WHERE name = 'a'")
        cur.execute("UPDATE t SET n = 2 WHERE name = 'b'")
        errors = []

        def wait_for_b():
            try:
                self.cur.execute("UPDATE t SET n = 1 WHERE name = 'b'")
            except psycopg2.Error as e:
                errors.append(e.pgcode)
                self.conn.rollback()
        thread = threading.Thread(target=wait_for_b)
        thread.start()
        try:
            cur.execute("UPDATE t SET n = 2 WHERE name = 'a'")
        except psycopg2.Error as e:
            errors.append(e.pgcode)
        other.rollback()
        thread.join(30)
        other.close()
        self.assertEqual(errors, ['40P01'])
