"""kill -9 under load: what a client saw committed is there, the sums agree, and the server is back within two seconds."""
import os
import random
import re
import subprocess
import time
import unittest

from support import harness, servers

ROUNDS = int(os.environ.get('HELIOS_CRASH_ROUNDS', '1' if harness.SANITIZER else '4'))
CLIENTS = 8


class Crash(unittest.TestCase):
    def setUp(self):
        self.server = servers.Helios().start()

    def tearDown(self):
        reports = self.server.sanitizer_reports()
        self.server.remove()
        self.assertEqual(reports, [])

    def restart(self):
        self.server.kill9()
        self.server.start()
        return self.server.start_seconds

    def value(self, sql):
        with self.server.connect() as c:
            return int(c.value(sql))

    def sums(self):
        return [self.value('SELECT coalesce(sum(%s), 0) FROM pgbench_%s' % pair) for pair in
                (('abalance', 'accounts'), ('bbalance', 'branches'), ('tbalance', 'tellers'), ('delta', 'history'))]

    def test_crash_under_tpcb_load(self):
        r = subprocess.run(['pgbench', '-i', '-q', '-s', '1', 'postgres'], env=self.server.env(), capture_output=True, text=True)
        self.assertEqual(r.returncode, 0, r.stderr)
        random.seed(11)
        slowest, total = 0.0, 0
        for number in range(ROUNDS):
            before = self.value('SELECT count(*) FROM pgbench_history')
            load = subprocess.Popen(['pgbench', '-n', '-c', str(CLIENTS), '-j', '2', '-T', '60', '-M',
                                     ('simple', 'extended', 'prepared')[number % 3], 'postgres'],
                                    env=self.server.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(random.uniform(0.5, 2.0) * min(servers.SLOWNESS, 2))
            slowest = max(slowest, self.restart())
            output = load.communicate(timeout=120)[0]
            acknowledged = int(re.search(r'actually processed: (\d+)', output).group(1))
            there = self.value('SELECT count(*) FROM pgbench_history') - before
            total += acknowledged
            with self.subTest('round %d' % (number + 1)):
                self.assertGreaterEqual(there, acknowledged, 'acknowledged transactions are lost')
                self.assertLessEqual(there, acknowledged + CLIENTS, 'transactions that nobody asked for')
                sums = self.sums()
                self.assertEqual(len(set(sums)), 1, sums)
        print('     %d rounds, %d acknowledged transactions, slowest restart %.0f ms' % (ROUNDS, total, slowest * 1000))
        if not harness.SANITIZER:
            self.assertLess(slowest, 2.0)

    def test_each_acknowledged_row_is_there(self):
        """Own connections, own ids: no row that was acknowledged may be missing, none may be half there."""
        import threading
        with self.server.connect() as c:
            c.one('CREATE TABLE a (id int PRIMARY KEY, v text)')
            c.one('CREATE TABLE b (id int PRIMARY KEY, v text)')
            c.one('CREATE INDEX ON a (v)')
        acknowledged, lock = [], threading.Lock()

        def writer(number):
            try:
                with self.server.connect() as c:
                    for i in range(1_000_000):
                        key = number * 1_000_000 + i
                        answers = c.query("BEGIN; INSERT INTO a VALUES (%d, 'v%d'); INSERT INTO b VALUES (%d, 'v'); COMMIT"
                                          % (key, key % 10, key))
                        if not answers[-1].error:
                            with lock:
                                acknowledged.append(key)
            except Exception:
                pass            # the connection died with the server
        for _ in range(2):
            threads = [threading.Thread(target=writer, args=(i + 1 + 10 * _,)) for i in range(4)]
            for t in threads:
                t.start()
            time.sleep(1.0)
            self.restart()
            for t in threads:
                t.join(30)
        with self.server.connect() as c:
            ids = {int(r[0]) for r in c.one('SELECT id FROM a').rows}
            other = {int(r[0]) for r in c.one('SELECT id FROM b').rows}
            by_index = sum(int(c.value("SELECT count(*) FROM a WHERE v = 'v%d'" % i)) for i in range(10))
        self.assertEqual(set(acknowledged) - ids, set(), 'lost rows')
        self.assertEqual(ids, other, 'a transaction is half there')
        self.assertEqual(by_index, len(ids), 'index and table disagree')
        self.assertGreater(len(acknowledged), 10)

    def test_crash_in_ddl(self):
        """Tables, indexes and sequences made in open transactions are gone, committed ones are whole."""
        with self.server.connect() as c:
            c.one('CREATE TABLE kept (x int PRIMARY KEY)')
            c.one('INSERT INTO kept SELECT generate_series(1, 5000)')
            c.query('BEGIN; CREATE TABLE open_one (x int); INSERT INTO open_one VALUES (1); ALTER TABLE kept ADD COLUMN y int DEFAULT 3; '
                    'CREATE INDEX kept_y ON kept (y); CREATE SEQUENCE open_seq; DROP TABLE IF EXISTS nothing')
            self.restart()
        with self.server.connect() as c:
            self.assertEqual(c.query('SELECT * FROM open_one')[0].error['C'], '42P01')
            self.assertEqual(len(c.one('SELECT * FROM kept LIMIT 1').columns), 1)
            self.assertEqual(c.value('SELECT count(*) FROM kept'), '5000')
            self.assertEqual(c.value("SELECT count(*) FROM pg_class WHERE relname IN ('open_one', 'kept_y', 'open_seq')"), '0')
            c.one('CREATE TABLE open_one (x int)')
            c.one('CREATE INDEX kept_x ON kept (x)')
            c.one('TRUNCATE kept')
        self.restart()
        with self.server.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM kept'), '0')
            self.assertEqual(c.value('SELECT count(*) FROM open_one'), '0')

    def test_unsynced_commits_may_go_but_in_order(self):
        """synchronous_commit = off: after a crash a prefix of the commits is there, never a later one without an earlier one."""
        with self.server.connect() as c:
            c.one('CREATE TABLE t (x int PRIMARY KEY)')
            c.one('SET synchronous_commit = off')
            for i in range(1, 500):
                c.one('INSERT INTO t VALUES (%d)' % i)
            self.restart()
        count = self.value('SELECT count(*) FROM t')
        self.assertEqual(self.value('SELECT coalesce(max(x), 0) FROM t'), count)
