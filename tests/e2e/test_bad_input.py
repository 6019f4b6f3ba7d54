"""Bad input never takes the server down: syntax, depth, budgets, disks."""
import os
import shutil
import subprocess
import unittest

from support import harness, pgclient, servers

TOO_DEEP = ('54001', '54000', '53200')


class BadInput(harness.HeliosCase):
    database = 'e2e_bad_input'

    def check_syntax(self, sql):
        with self.connect() as c, harness.shared_postgres().connect() as p:
            got, want = c.query(sql)[-1].error, p.query(sql)[-1].error
            self.assertEqual({k: got.get(k) for k in 'CMP'}, {k: want.get(k) for k in 'CMP'})

    def test_syntax_errors_have_a_position(self):
        for sql in ('selec 1', 'SELECT FROM WHERE', 'SELECT 1 FROM (', "SELECT 'abc", 'SELECT "abc', 'SELECT $$abc', 'SELECT /* abc',
                    'SELECT (1', 'INSERT INTO', 'CREATE TABLE t (', 'SELECT 1 +', 'SELECT * FROM t WHERE', 'ÄÖÜ', "SELECT 'ä' x y z", '\x01', 'SELECT 1; selec 2',
                    'SELECT ' + ', '.join(['1'] * 3000) + ',', 'SELECT\n\n  1\n  frm x y', ')', ';;;x', 'SELECT 1e'):
            with self.subTest(sql[:40]):
                self.check_syntax(sql)

    def survives(self, sql):
        """An error of the allowed kinds or a result, and the same connection goes on."""
        with self.connect(timeout=120) as c:
            for answers in (c.query(sql), c.extended(sql)):
                error = answers[-1].error
                # the grammar's own stack ends with this syntax error, as PostgreSQL's does
                if error and not error['M'].startswith('memory exhausted at or near'):
                    self.assertIn(error['C'], TOO_DEEP, error)
                self.assertEqual(c.value('SELECT 1'), '1')

    def test_nested_parentheses(self):
        for n in (100, 5000, 200_000):
            with self.subTest(n):
                self.survives('SELECT ' + '(' * n + '1' + ')' * n)

    def test_nested_calls(self):
        for n in (100, 1000, 10_000):
            with self.subTest(n):
                self.survives('SELECT ' + 'abs(' * n + '1' + ')' * n)

    def test_chained_operators(self):
        for n in (1000, 100_000):
            for operator in ('+', '||', 'AND', '-'):
                operand = {'+': '1', '-': '1', '||': "'x'", 'AND': 'true'}[operator]
                with self.subTest('%d %s' % (n, operator)):
                    self.survives('SELECT ' + (' %s ' % operator).join([operand] * n))

    def test_other_depths(self):
        n = 20_000
        shapes = {
            'unary minus': 'SELECT ' + '- ' * n + '1',
            'not': 'SELECT ' + 'NOT ' * n + 'true',
            'subqueries': 'SELECT * FROM ' + '(SELECT * FROM ' * 3000 + '(SELECT 1) x' + ') x' * 3000,
            'scalar subqueries': 'SELECT ' + '(SELECT ' * 3000 + '1' + ')' * 3000,
            'case': 'SELECT ' + 'CASE WHEN true THEN ' * 5000 + '1' + ' END' * 5000,
            'arrays': 'SELECT ' + 'ARRAY[' * 5000 + '1' + ']' * 5000,
            'casts': 'SELECT 1' + '::int' * n,
            'unions': ' UNION ALL '.join(['SELECT 1'] * 5000),
            'joins': 'SELECT * FROM (SELECT 1 AS a) t0 ' + ' '.join('JOIN (SELECT 1 AS a) t%d USING (a)' % i for i in range(1, 300)),
            'in list': 'SELECT 1 IN (%s)' % ', '.join(str(i) for i in range(100_000)),
            'values': 'SELECT count(*) FROM (VALUES %s) v' % ', '.join('(%d)' % i for i in range(50_000)),
            'array text': "SELECT '" + '{' * 100_000 + "'::int[]",
            'quals': 'SELECT 1 WHERE ' + ' OR '.join('%d = 0' % i for i in range(20_000)),
            'with': 'WITH ' + ', '.join('c%d AS (SELECT 1 AS x)' % i for i in range(2000)) + ' SELECT * FROM c0',
            'regexp': "SELECT 'a' ~ '" + '(' * 20_000 + 'a' + ')' * 20_000 + "'",
            'like': "SELECT repeat('a', 20000) LIKE '" + '%a' * 2000 + "b'",
        }
        for name, sql in shapes.items():
            with self.subTest(name):
                with self.connect(timeout=180) as c:
                    c.query(sql)
                    self.assertEqual(c.value('SELECT 1'), '1')

    def test_a_hundred_sessions_at_once_nest_deeply(self):
        import threading
        sql, failures = 'SELECT ' + 'abs(' * 3000 + '1' + ')' * 3000, []

        def one():
            try:
                with self.connect(timeout=120) as c:
                    c.query(sql)
                    c.value('SELECT 1')
            except Exception as e:
                failures.append(repr(e))
        threads = [threading.Thread(target=one) for _ in range(40)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(180)
        self.assertEqual(failures, [])

    def test_out_of_budget(self):
        with self.connect(timeout=300) as c:
            for sql in ("SELECT length(array_to_string(array_agg(repeat('x', 1000) || g), '')) FROM generate_series(1, 1000000) g",
                        "SELECT length(string_agg(repeat('x', 1000), '')) FROM generate_series(1, 1000000) g",
                        "SELECT length(repeat('x', 1000000000))"):
                with self.subTest(sql[:50]):
                    error = c.query(sql)[-1].error
                    self.assertIsNotNone(error)
                    self.assertIn(error['C'], ('53200', '54000'), error)
                    self.assertEqual(c.value('SELECT 1'), '1')
        print('     memory after queries out of budget: %.1f MB' % (self.server.memory_kb() / 1024))

    def test_big_work_spills(self):
        rows = 1_000_000 if not harness.SANITIZER else 100_000
        with self.connect(timeout=300) as c:
            c.query('DROP TABLE IF EXISTS spill')
            c.one("CREATE TABLE spill AS SELECT g AS id, g %% 1000 AS k, md5(g::text) AS t FROM generate_series(1, %d) g" % rows)
            peak = self.server.memory_kb()
            for sql, want in (('SELECT count(*) FROM (SELECT t FROM spill ORDER BY t OFFSET 5) x', str(rows - 5)),
                              ('SELECT count(*) FROM (SELECT t, count(*) FROM spill GROUP BY t) x', str(rows)),
                              ('SELECT count(*) FROM spill a JOIN spill b ON a.t = b.t', str(rows)),
                              ('SELECT count(DISTINCT t) FROM spill', str(rows)),
                              ('SELECT count(*) FROM (SELECT t FROM spill UNION SELECT t FROM spill) x', str(rows))):
                with self.subTest(sql):
                    self.assertEqual(c.value(sql), want)
                    peak = max(peak, self.server.memory_kb())
            print('     memory while spilling %d rows: %.1f MB' % (rows, peak / 1024))
            c.query('DROP TABLE spill')


class SmallBudget(unittest.TestCase):
    def test_everything_within_32_mb(self):
        server = servers.Helios()
        os.makedirs(os.path.dirname(server.data_dir), exist_ok=True)
        config = os.path.join(os.path.dirname(server.data_dir), 'heliosdb.toml')
        with open(config, 'w') as f:
            f.write('memory_limit_mb = 32\n')
        server.args = ['--config', config]
        try:
            server.start()
            r = subprocess.run(['pgbench', '-i', '-q', '-s', '2', 'postgres'], env=server.env(), capture_output=True, text=True,
                               timeout=300 * servers.SLOWNESS)
            self.assertEqual(r.returncode, 0, r.stderr)
            r = subprocess.run(['pgbench', '-n', '-c', '20', '-j', '2', '-T', str(harness.seconds(5)), 'postgres'], env=server.env(),
                               capture_output=True, text=True, timeout=120 * servers.SLOWNESS)
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn('number of failed transactions: 0 ', r.stdout)
            print('     memory with memory_limit_mb = 32 after 20 clients: %.1f MB' % (server.memory_kb() / 1024))
            self.assertEqual(server.stop(), 0)
        finally:
            server.remove()


class FullDisk(unittest.TestCase):
    """The data directory on a small file system of its own; needs the right to mount."""

    def setUp(self):
        self.home = servers.temp_dir('disk')
        self.mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', self.home],
                                      capture_output=True).returncode == 0
        if not self.mounted:
            shutil.rmtree(self.home)
            self.skipTest('may not mount a file system')
        self.server = servers.Helios(data_dir=os.path.join(self.home, 'data'))

    def tearDown(self):
        self.server.remove()
        subprocess.run(['umount', self.home])
        shutil.rmtree(self.home, ignore_errors=True)

    def fill(self):
        """Takes what is left of the disk, as some other program would."""
        with open(os.path.join(self.home, 'filler'), 'wb') as f:
            try:
                while True:
                    f.write(b'x' * 65536)
                    f.flush()
            except OSError:
                pass

    def test_full_disk_gives_53100_and_reads_go_on(self):
        self.server.start()
        with self.server.connect(timeout=120) as c:
            c.one('CREATE TABLE t (id int PRIMARY KEY, v text)')
            c.one("INSERT INTO t SELECT g, repeat('v', 100) FROM generate_series(1, 1000) g")
            self.fill()
            error, acknowledged = None, 1000
            for i in range(2000):
                answer = c.query("INSERT INTO t VALUES (%d, repeat(md5('%d'), 300))" % (2000 + i, i))[-1]
                if answer.error:
                    error = answer.error
                    break
                acknowledged += 1
            self.assertIsNotNone(error, 'no error although the disk is full')
            self.assertEqual(error['C'], '53100', error)
            self.assertEqual(c.value('SELECT count(*) FROM t'), str(acknowledged))
            self.assertEqual(c.value('SELECT length(v) FROM t WHERE id = 5'), '100')
            with self.server.connect() as d:
                self.assertEqual(d.value('SELECT count(*) FROM t'), str(acknowledged))
            os.unlink(os.path.join(self.home, 'filler'))
            for _ in range(100):
                answer = c.query("INSERT INTO t VALUES (1000000, 'after')")[-1]
                if not answer.error:
                    break
                import time
                time.sleep(0.2)
            self.assertIsNone(answer.error)
        self.server.kill9()
        self.server.start()
        with self.server.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM t'), str(acknowledged + 1))

    def test_full_disk_in_the_middle_of_a_copy(self):
        self.server.start()
        with self.server.connect(timeout=300) as c:
            c.one('CREATE TABLE t (id int PRIMARY KEY, v text)')
            data = b''.join(b'%d\t%s\n' % (i, os.urandom(400).hex().encode()) for i in range(300_000))
            answer = c.query('COPY t FROM STDIN', data)[-1]
            self.assertIsNotNone(answer.error)
            self.assertEqual(answer.error['C'], '53100', answer.error)
            self.assertEqual(c.value('SELECT count(*) FROM t'), '0')
            for _ in range(50):
                answer = c.query("INSERT INTO t VALUES (1, 'x')")[-1]
                if not answer.error:
                    break
                import time
                time.sleep(0.2)
            self.assertIsNone(answer.error)
