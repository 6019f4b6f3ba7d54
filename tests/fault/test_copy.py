"""One COPY as one transaction: killed in the middle, and whole within the memory budget. Large only as a slow test."""
import time
import unittest

from support import harness, pgclient, servers

ROWS = 10_000_000 if harness.SLOW else (20_000 if harness.SANITIZER else 300_000)
CHUNK = 20_000


def rows(first, count):
    return b''.join(b'%d\t%d\tsome text of row %d\n' % (i, i % 1000, i) for i in range(first, first + count))


class BigCopy(unittest.TestCase):
    def setUp(self):
        self.server = servers.Helios().start()
        with self.server.connect() as c:
            c.one('CREATE TABLE t (id bigint PRIMARY KEY, k int, v text)')
            c.one("INSERT INTO t VALUES (-1, 0, 'before')")
        self.peak = 0

    def tearDown(self):
        self.server.remove()

    def send_rows(self, connection, count):
        connection.start_copy_in('COPY t FROM STDIN')
        sampled = time.monotonic()
        for first in range(0, count, CHUNK):
            connection.message(b'd', rows(first, min(CHUNK, count - first)))
            if time.monotonic() - sampled > 0.5:
                self.peak = max(self.peak, self.server.memory_kb())
                sampled = time.monotonic()
        self.peak = max(self.peak, self.server.memory_kb())

    def test_copy_killed_in_the_middle_leaves_nothing(self):
        c = self.server.connect(timeout=600)
        small = servers.disk_usage(self.server.data_dir)
        self.send_rows(c, ROWS // 2)
        time.sleep(1)
        large = servers.disk_usage(self.server.data_dir)
        self.server.kill9()
        self.server.start()
        with self.server.connect() as d:
            self.assertEqual(d.value('SELECT count(*) FROM t'), '1')
            d.one("INSERT INTO t VALUES (5, 5, 'free')")
        reclaimed = None
        for _ in range(60):
            reclaimed = servers.disk_usage(self.server.data_dir)
            if reclaimed < small + 0.1 * max(large - small, 0) + 32e6:
                break
            time.sleep(0.5)
        print('     %d rows sent: data directory %.0f MB, before %.0f MB, after the restart %.0f MB (restart %.0f ms, peak PSS %.1f MB)' % (
            ROWS // 2, large / 1e6, small / 1e6, reclaimed / 1e6, self.server.start_seconds * 1000, self.peak / 1024))
        self.assertLess(reclaimed, small + 0.1 * max(large - small, 0) + 32e6)

    def test_copy_rolled_back_leaves_nothing(self):
        with self.server.connect(timeout=600) as c:
            self.send_rows(c, ROWS // 4)
            c.message(b'f', b'enough\0')
            self.assertEqual(c.collect()[-1].error['C'], '57014')
            self.assertEqual(c.value('SELECT count(*) FROM t'), '1')

    def test_copy_fails_at_its_last_row(self):
        with self.server.connect(timeout=600) as c:
            self.send_rows(c, ROWS // 4)
            c.message(b'd', b'0\t0\tduplicate\n')
            c.message(b'c')
            self.assertEqual(c.collect()[-1].error['C'], '23505')
            self.assertEqual(c.value('SELECT count(*) FROM t'), '1')

    def test_copy_whole(self):
        began = time.monotonic()
        with self.server.connect(timeout=900) as c:
            self.send_rows(c, ROWS)
            c.message(b'c')
            answer = c.collect()[-1]
            self.assertIsNone(answer.error)
            self.assertEqual(answer.tag, 'COPY %d' % ROWS)
            took = time.monotonic() - began
            self.assertEqual(c.value('SELECT count(*) FROM t'), str(ROWS + 1))
            self.assertEqual(c.value('SELECT v FROM t WHERE id = %d' % (ROWS - 1)), 'some text of row %d' % (ROWS - 1))
            self.assertEqual(c.value('SELECT sum(k) FROM t WHERE id BETWEEN 1000 AND 1999'), str(sum(range(1000))))
        print('     COPY of %d rows in %.1f s, peak PSS %.1f MB' % (ROWS, took, self.peak / 1024))
        if not harness.SANITIZER:
            self.assertLess(self.peak, 96 * 1024)

    def test_large_transaction_sees_itself_and_savepoints_work(self):
        """A transaction that outgrows its buffer, with updates, deletes and a rollback to a savepoint on top."""
        n = min(ROWS // 4, 500_000)
        with self.server.connect(timeout=600) as c:
            c.one('BEGIN')
            c.one("INSERT INTO t SELECT g, g %% 10, 'row ' || g FROM generate_series(1, %d) g" % n)
            self.assertEqual(c.value('SELECT count(*) FROM t WHERE id > 0'), str(n))
            c.one('SAVEPOINT s')
            c.one("UPDATE t SET k = 100 WHERE id % 2 = 0 AND id > 0")
            c.one('DELETE FROM t WHERE id % 3 = 0 AND id > 0')
            self.assertEqual(c.value('SELECT count(*) FROM t WHERE id > 0'), str(n - n // 3))
            c.one('ROLLBACK TO s')
            self.assertEqual(c.value('SELECT count(*) FROM t WHERE k = 100'), '0')
            self.assertEqual(c.value('SELECT count(*) FROM t WHERE id > 0'), str(n))
            c.one('DELETE FROM t WHERE id > %d' % (n // 2))
            c.one("INSERT INTO t VALUES (%d, 7, 'again')" % n)
            with self.server.connect() as other:
                self.assertEqual(other.value('SELECT count(*) FROM t'), '1')
            c.one('COMMIT')
            self.assertEqual(c.value('SELECT count(*) FROM t'), str(n // 2 + 2))
        self.server.kill9()
        self.server.start()
        with self.server.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM t'), str(n // 2 + 2))
            self.assertEqual(c.value('SELECT v FROM t WHERE id = %d' % n), 'again')
