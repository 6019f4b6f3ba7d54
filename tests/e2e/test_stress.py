"""Many sessions at once doing everything at once; what must hold, holds throughout and afterwards."""
import random
import threading
import time

from support import harness, pgclient

# What may happen to an honest client under contention.
EXPECTED = {'40001', '40P01', '55P03', '57014', '23505', '42P01', '42P07', '25P02', '55006', '42704', '0A000', '42703'}


class Stress(harness.HeliosCase):
    database = 'e2e_stress'

    def workers(self, bodies, duration):
        """Runs each body(connection, random, stop) on its own connection and thread; unexpected errors are returned."""
        stop, problems = threading.Event(), []

        def main(number, body):
            rng = random.Random(number)
            try:
                with self.connect(timeout=120) as c:
                    while not stop.is_set():
                        for answer in body(c, rng) or ():
                            if answer.error and answer.error['C'] not in EXPECTED:
                                problems.append((body.__name__, answer.error))
                        if c.status != 'I':
                            c.query('ROLLBACK')
            except (pgclient.Disconnected, pgclient.ServerError, AssertionError, OSError) as e:
                problems.append((body.__name__, repr(e)))
        threads = [threading.Thread(target=main, args=(i, b)) for i, b in enumerate(bodies)]
        for t in threads:
            t.start()
        time.sleep(duration)
        stop.set()
        for t in threads:
            t.join(120)
        self.assertFalse(any(t.is_alive() for t in threads), 'a session hangs')
        self.assertEqual(problems[:5], [])

    def test_transfers_keep_the_total(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS bank; CREATE TABLE bank (id int PRIMARY KEY, amount int, touched int DEFAULT 0); '
                    'INSERT INTO bank SELECT g, 100 FROM generate_series(1, 50) g; CREATE INDEX ON bank (touched)')

        def transfer(c, rng):
            a, b, n = rng.randint(1, 50), rng.randint(1, 50), rng.randint(1, 10)
            answers = c.query(rng.choice(('BEGIN', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'BEGIN ISOLATION LEVEL SERIALIZABLE')))
            for sql in ('UPDATE bank SET amount = amount - %d, touched = touched + 1 WHERE id = %d' % (n, a), 'SAVEPOINT s',
                        'UPDATE bank SET amount = amount + %d, touched = touched + 1 WHERE id = %d' % (n, b)):
                answers += c.query(sql)
                if answers[-1].error:
                    c.query('ROLLBACK')
                    return answers
            return answers + c.query(rng.choice(('COMMIT', 'COMMIT', 'ROLLBACK')))

        def audit(c, rng):
            level = rng.choice(('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'))
            c.query('BEGIN ISOLATION LEVEL ' + level)
            answers = c.query('SELECT sum(amount), count(*) FROM bank')
            if not answers[0].error:
                self.assertEqual(answers[0].rows[0], [b'5000', b'50'])
            answers += c.query('SELECT sum(amount) FROM (SELECT id, amount FROM bank ORDER BY touched, id) x')
            c.query('COMMIT')
            return answers
        self.workers([transfer] * 6 + [audit] * 2, harness.seconds(5))
        with self.connect() as c:
            self.assertEqual(c.value('SELECT sum(amount) FROM bank'), '5000')

    def test_everything_at_once(self):
        with self.connect() as c:
            c.query('DROP TABLE IF EXISTS busy; CREATE TABLE busy (id serial PRIMARY KEY, k int, v text, u int UNIQUE); CREATE INDEX busy_k ON busy (k); '
                    "INSERT INTO busy (k, v, u) SELECT g % 20, 'v' || g, g FROM generate_series(1, 500) g")

        def write(c, rng):
            k = rng.randint(0, 20)
            return c.query(rng.choice((
                "INSERT INTO busy (k, v, u) VALUES (%d, 'w', %d)" % (k, rng.randint(1, 5000)),
                "INSERT INTO busy (k, v, u) VALUES (%d, 'w', %d) ON CONFLICT (u) DO UPDATE SET k = excluded.k, v = busy.v || '+'" % (k, rng.randint(1, 600)),
                'UPDATE busy SET k = (k + 1) %% 21 WHERE k = %d AND id %% 5 = %d' % (k, rng.randint(0, 4)),
                'UPDATE busy SET u = NULL WHERE id = %d' % rng.randint(1, 600), 'DELETE FROM busy WHERE k = %d AND id > 600' % k,
                'BEGIN; UPDATE busy SET v = left(v, 3) WHERE k = %d; SAVEPOINT a; DELETE FROM busy WHERE k = %d; ROLLBACK TO a; COMMIT' % (k, k))))

        def read(c, rng):
            k = rng.randint(0, 20)
            answers = c.query(rng.choice((
                'SELECT count(*), count(u), max(id) FROM busy', 'SELECT * FROM busy WHERE k = %d' % k, 'SELECT a.id FROM busy a JOIN busy b ON a.k = b.k AND a.id < b.id WHERE b.id < 50',
                'SELECT k, count(*) FROM busy GROUP BY k ORDER BY k', 'SELECT * FROM busy ORDER BY u DESC NULLS LAST LIMIT 5', 'SELECT v FROM busy WHERE u = %d' % rng.randint(1, 500),
                'BEGIN; DECLARE c CURSOR FOR SELECT * FROM busy ORDER BY id; FETCH 10 FROM c; COMMIT')))
            return answers + c.extended('SELECT count(*) FROM busy WHERE k = $1 AND id < $2', [k, 300])

        def change_schema(c, rng):
            n = rng.randint(1, 3)
            answers = c.query(rng.choice((
                'CREATE INDEX extra%d ON busy (v, k)' % n, 'DROP INDEX IF EXISTS extra%d' % n, 'ALTER TABLE busy ADD COLUMN IF NOT EXISTS c%d int DEFAULT %d' % (n, n),
                'ALTER TABLE busy DROP COLUMN IF EXISTS c%d' % n, 'ANALYZE busy', 'CREATE TABLE IF NOT EXISTS other%d AS SELECT * FROM busy LIMIT 10' % n, 'DROP TABLE IF EXISTS other%d' % n,
                'CREATE OR REPLACE VIEW busy_view AS SELECT id, k FROM busy', 'BEGIN; CREATE TABLE gone (x int); ROLLBACK', 'VACUUM busy')))
            time.sleep(0.02)
            return answers

        def copy(c, rng):
            first = rng.randint(10_000, 1_000_000)
            answers = c.query('COPY busy (k, v, u) FROM STDIN', b''.join(b'%d\tc\t%d\n' % (i % 20, first + i) for i in range(50)))
            return answers + c.query('COPY (SELECT id, k FROM busy WHERE k < 3) TO STDOUT')

        def come_and_go(c, rng):
            with self.connect() as other:
                return other.query('BEGIN; UPDATE busy SET v = v WHERE id = %d' % rng.randint(1, 100))[:0] + other.query('SELECT 1')
        self.workers([write] * 4 + [read] * 3 + [change_schema, copy, come_and_go], harness.seconds(8))
        with self.connect() as c:
            count = c.value('SELECT count(*) FROM busy')
            by_key = sum(int(c.value('SELECT count(*) FROM busy WHERE k = %d' % k)) for k in range(0, 22))
            self.assertEqual(str(by_key), count, 'the index on k and the table disagree')
            self.assertEqual(c.value('SELECT count(DISTINCT id) FROM busy'), count)
            c.query('SET enable_seqscan = off')
            self.assertEqual(c.value('SELECT count(*) FROM (SELECT u FROM busy WHERE u > -1 ORDER BY u) x'),
                             c.value("SELECT count(u) FROM busy"))
            self.assertEqual(c.value('SELECT count(*) FROM (SELECT u FROM busy WHERE u IS NOT NULL GROUP BY u HAVING count(*) > 1) x'), '0')
