"""Test cases on one helios-nano that all share; a test that takes it down fails, and the next ones get it started again."""
import atexit
import os
import shutil
import subprocess
import time
import unittest

from . import servers

SANITIZER = bool(os.environ.get('HELIOS_SANITIZER'))
SLOW = bool(os.environ.get('HELIOS_SLOW'))
_shared = None
_postgres = None


def shared_server():
    global _shared
    if _shared is None:
        # the tests can be tried out on PostgreSQL itself
        _shared = servers.Postgres().start() if os.environ.get('HELIOS_TEST_POSTGRES') else servers.Helios().start()
        atexit.register(_shared.remove)
    elif not _shared.alive():
        _shared.start()
    return _shared


def after_lost_connection():
    """Gives a server that is just ending the time to end, and starts it again if it did."""
    end = time.monotonic() + 1.0
    while _shared.alive() and time.monotonic() < end:
        time.sleep(0.05)
    return shared_server()


def shared_postgres():
    """A PostgreSQL 15 for comparing, started when first asked for."""
    global _postgres
    if _postgres is None:
        _postgres = servers.Postgres().start()
        atexit.register(_postgres.remove)
    return _postgres


def shared_if_started():
    return _shared


def seconds(full, under_sanitizer=None):
    """How long something runs: shorter under a sanitizer."""
    return (under_sanitizer or max(1, full // 2)) if SANITIZER else full


class HeliosCase(unittest.TestCase):
    database = 'postgres'
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.server = shared_server()
        if cls.database != 'postgres':
            with cls.server.connect() as c:
                c.query('DROP DATABASE IF EXISTS %s' % cls.database)
                c.one('CREATE DATABASE %s' % cls.database)

    def setUp(self):
        shared_server()

    def tearDown(self):
        if not self.server.alive():
            log = self.server.log()[-3000:]
            shared_server()
            self.fail('the server ended during this test:\n' + log)

    def connect(self, **more):
        return self.server.connect(more.pop('database', self.database), **more)

    def env(self):
        return self.server.env(self.database)

    def run_program(self, command, timeout=120, check=True, **more):
        r = subprocess.run(command, env=more.pop('env', self.env()), capture_output=True, text=True,
                           timeout=timeout * servers.SLOWNESS, errors='replace', **more)
        if check and r.returncode != 0:
            self.fail('%s ended with %d\n%s\n%s' % (' '.join(command)[:200], r.returncode, r.stdout[-2000:],
                                                    r.stderr[-2000:]))
        return r

    def assertSqlState(self, answers, state):
        error = answers[-1].error
        self.assertIsNotNone(error, 'no error, but %r' % answers[-1])
        self.assertEqual(error['C'], state, error)
        return error

    def check_lines(self, output):
        """Each line `ok NAME` or `not ok NAME: why` of a driver program becomes a test result."""
        lines = [line for line in output.splitlines() if line.startswith(('ok ', 'not ok '))]
        self.assertTrue(lines, 'the program reported nothing:\n' + output[-2000:])
        for line in lines:
            with self.subTest(line.split(':')[0].replace('not ok ', '').replace('ok ', '')):
                self.assertTrue(line.startswith('ok '), line)
        self.assertIn('done', output.splitlines(), 'the program stopped early:\n' + output[-2000:])


def need_program(name):
    return unittest.skipUnless(shutil.which(name), name + ' is not installed')
