"""The program: command line, start, stop, what it keeps, what it takes."""
import os
import re
import signal
import socket
import subprocess
import time
import unittest

from support import harness, pgclient, servers


class CommandLine(unittest.TestCase):
    def run_it(self, *args):
        return subprocess.run([servers.BINARY, *args], capture_output=True, text=True, timeout=20 * servers.SLOWNESS)

    def test_version(self):
        r = self.run_it('--version')
        self.assertEqual(r.returncode, 0)
        self.assertRegex(r.stdout, r'\d+\.\d+')

    def test_help(self):
        r = self.run_it('--help')
        self.assertEqual(r.returncode, 0)
        for word in ('serve', '--data-dir', '--port', '--host', '--config'):
            self.assertIn(word, r.stdout)

    def test_wrong_usage(self):
        for args in (['--nonsense'], ['nonsense'], ['serve', '--port', 'abc'], ['serve', '--port', '99999'],
                     ['serve', '--config', '/nonexistent.toml']):
            with self.subTest(' '.join(args)):
                r = self.run_it(*args)
                self.assertNotEqual(r.returncode, 0)
                self.assertTrue(r.stderr.strip())

    def test_listening_wider_needs_the_flag(self):
        r = subprocess.run([servers.BINARY, 'serve', '--host', '0.0.0.0', '--port', str(servers.free_port()), '--data-dir',
                            os.path.join(servers.temp_dir('wide'), 'data')], capture_output=True, text=True,
                           timeout=20 * servers.SLOWNESS)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('--insecure', r.stderr + r.stdout)


class Life(unittest.TestCase):
    def setUp(self):
        self.server = servers.Helios()

    def tearDown(self):
        self.server.remove()

    def test_start_stop_start(self):
        s = self.server.start()
        first = s.start_seconds
        with s.connect() as c:
            c.one('CREATE TABLE t (x int PRIMARY KEY)')
            c.one('INSERT INTO t SELECT generate_series(1, 1000)')
        self.assertEqual(s.stop(), 0)
        s.start()
        print('     start on a new data directory %.0f ms, on an existing one %.0f ms' % (first * 1000, s.start_seconds * 1000))
        with s.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM t'), '1000')
        self.assertEqual(s.stop(), 0)

    def test_second_server_on_the_same_data_is_refused(self):
        self.server.start()
        other = servers.Helios(data_dir=self.server.data_dir)
        with self.assertRaises(AssertionError):
            other.start(timeout=5)
        with self.server.connect() as c:
            self.assertEqual(c.value('SELECT 1'), '1')

    def test_port_in_use(self):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            s.listen(1)
            self.server.port = s.getsockname()[1]
            with self.assertRaises(AssertionError):
                self.server.start(timeout=5)

    def test_drain(self):
        """SIGTERM: a running statement may end, an idle session is told, new connections are refused."""
        s = self.server.start()
        idle = s.connect()
        s.process.send_signal(signal.SIGTERM)
        kind, body = idle.read_message()
        self.assertEqual((kind, pgclient.error_fields(body)['C']), (b'E', '57P01'))
        s.process.wait(30 * servers.SLOWNESS)
        self.assertEqual(s.process.returncode, 0)

    def test_second_sigterm_stops_now(self):
        s = self.server.start()
        c = s.connect()
        c.message(b'Q', b'SELECT pg_sleep(60)\0')
        time.sleep(0.3)
        began = time.monotonic()
        s.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        s.process.send_signal(signal.SIGTERM)
        s.process.wait(30 * servers.SLOWNESS)
        self.assertLess(time.monotonic() - began, 20 * servers.SLOWNESS)

    def test_sequences_and_settings_survive(self):
        s = self.server.start()
        with s.connect() as c:
            c.one('CREATE TABLE t (id serial PRIMARY KEY, v text)')
            c.one("INSERT INTO t (v) VALUES ('a'), ('b')")
        s.kill9()
        s.start()
        with s.connect() as c:
            new = int(c.value("INSERT INTO t (v) VALUES ('c') RETURNING id"))
            self.assertGreater(new, 2)

    def test_connection_limit(self):
        s = self.server.start()
        with s.connect() as c:
            limit = int(c.value('SHOW max_connections'))
        held, refused = [], None
        try:
            for _ in range(limit + 10):
                held.append(s.connect())
        except pgclient.ServerError as e:
            refused = e.fields
        self.assertIsNotNone(refused, 'more than max_connections were let in')
        self.assertEqual(refused['C'], '53300')
        held.pop().close()
        time.sleep(0.5)
        with s.connect() as c:
            self.assertEqual(c.value('SELECT 1'), '1')

    def test_connections_leave_nothing_behind(self):
        """More sessions than a process has thread keys, then the first use of what wants keys of its own."""
        s = self.server.start()

        def sessions(count):
            for _ in range(count):
                with s.connect() as c:
                    c.value('SELECT 1')
        sessions(100)
        before = s.memory_kb()
        sessions(1400)
        self.assertLess(s.memory_kb() - before, 4000)
        with s.connect() as c:
            self.assertEqual(c.value("SELECT md5('abc')"), '900150983cd24fb0d6963f7d28e17f72')
            self.assertEqual(c.value("SELECT round(exp(1.5::numeric), 3) || regexp_replace('abc', 'b+', '-')"), '4.482a-c')

    def test_unix_socket(self):
        s = self.server.start()
        found = re.search(r'(/\S*\.s\.PGSQL\.%d)' % s.port, s.log())
        path = os.path.dirname(found.group(1)) if found else '/tmp'
        r = subprocess.run(['psql', '-XAtc', 'SELECT 42'], env={**s.env(), 'PGHOST': path}, capture_output=True, text=True)
        self.assertEqual(r.stdout.strip(), '42', r.stderr)

    def test_log_is_readable(self):
        s = self.server.start()
        with s.connect() as c:
            c.query('SELECT 1/0')
        s.stop()
        for line in s.log().splitlines():
            self.assertLess(len(line), 2000)
        self.assertIn('ready to accept connections', s.log())

    def test_memory_and_start_are_reported(self):
        s = self.server.start()
        time.sleep(1)
        idle = s.memory_kb()
        with s.connect() as c:
            c.value('SELECT 1')
            one = s.memory_kb()
        print('     PSS idle %.1f MB, with one session %.1f MB' % (idle / 1024, one / 1024))

