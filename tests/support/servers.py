"""Starts, watches, stops and kills servers: helios-nano and, beside it, PostgreSQL 15 from Debian."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import pgclient

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PG_BIN = '/usr/lib/postgresql/15/bin'
BINARY = os.environ.get('HELIOS_BINARY', os.path.join(ROOT, 'build', 'helios-nano'))
SLOWNESS = float(os.environ.get('HELIOS_SLOWNESS', '1'))      # > 1 under sanitizers: time limits are multiplied
TMP = os.environ.get('HELIOS_TEST_TMP') or None


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def temp_dir(name):
    return tempfile.mkdtemp(prefix='helios-test-%s-' % name, dir=TMP)


def process_tree(root):
    """The pids of root and everything below it."""
    parents = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open('/proc/%s/stat' % entry) as f:
                    parents[int(entry)] = int(f.read().rsplit(')', 1)[1].split()[1])
            except (OSError, IndexError):
                pass
    tree, grew = {root}, True
    while grew:
        found = {p for p, parent in parents.items() if parent in tree} - tree
        tree |= found
        grew = bool(found)
    return tree


def memory_kb(root, field='Pss'):
    """PSS (or another field of smaps_rollup) summed over a process tree, in kB."""
    total = 0
    for pid in process_tree(root):
        try:
            with open('/proc/%d/smaps_rollup' % pid) as f:
                total += int(re.search(r'^%s:\s+(\d+)' % field, f.read(), re.M).group(1))
        except (OSError, AttributeError):
            pass
    return total


def write_bytes(root):
    total = 0
    for pid in process_tree(root):
        try:
            with open('/proc/%d/io' % pid) as f:
                total += int(re.search(r'^write_bytes: (\d+)', f.read(), re.M).group(1))
        except (OSError, AttributeError):
            pass
    return total


def disk_usage(path):
    """Bytes that the files below path take on disk."""
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512
            except OSError:
                pass
    return total


class Server:
    """What both servers have in common."""
    name = 'server'
    port = None
    pid = None

    def connect(self, database='postgres', user='postgres', timeout=None, **more):
        return pgclient.Connection(port=self.port, user=user, database=database,
                                   timeout=(timeout or 60.0) * SLOWNESS, **more)

    def env(self, database='postgres'):
        """An environment in which libpq programs find this server."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith('PG')}
        return {**clean, 'PGHOST': '127.0.0.1', 'PGPORT': str(self.port), 'PGUSER': 'postgres', 'PGDATABASE': database,
                'PGCONNECT_TIMEOUT': '20', 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'PSQLRC': '/dev/null', 'PAGER': ''}

    def psql(self, sql, database='postgres', args=('-XAtq',), check=True, stdin=None):
        command = ['psql', *args, '-v', 'ON_ERROR_STOP=1']
        if stdin is None:
            command += ['-c', sql]
        r = subprocess.run(command, env=self.env(database), input=stdin, capture_output=True, text=True,
                           timeout=300 * SLOWNESS)
        if check and r.returncode != 0:
            raise AssertionError('psql %r on %s: %s%s' % (sql, self.name, r.stdout[-500:], r.stderr[-1500:]))
        return r.stdout.rstrip('\n')

    def memory_kb(self):
        return memory_kb(self.pid)


class Helios(Server):
    """A helios-nano on a free port. Its data directory is temporary unless given."""
    name = 'helios-nano'

    def __init__(self, data_dir=None, args=(), env=None, binary=None, port=None):
        self.binary = binary or BINARY
        self.own_data = data_dir is None
        self.data_dir = data_dir or os.path.join(temp_dir('data'), 'data')
        self.args, self.extra_env = list(args), dict(env or {})
        self.port = port or free_port()
        self.log_path = os.path.join(os.path.dirname(self.data_dir), 'helios-%d.log' % self.port)
        self.process = None
        self.start_seconds = None

    def start(self, timeout=20.0):
        log_from = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        began = time.monotonic()
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(
                [self.binary, 'serve', '--host', '127.0.0.1', '--port', str(self.port), '--data-dir', self.data_dir,
                 *self.args], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, 'TZ': 'UTC', **self.extra_env}, start_new_session=True)
        self.pid = self.process.pid
        while True:
            with open(self.log_path, 'rb') as f:
                f.seek(log_from)
                text = f.read()
            if b'ready to accept connections' in text:
                self.start_seconds = time.monotonic() - began
                return self
            if self.process.poll() is not None or time.monotonic() - began > timeout * SLOWNESS:
                self.process.kill()
                raise AssertionError('helios-nano did not start: %s' % text[-3000:].decode('utf-8', 'replace'))
            time.sleep(0.002)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=60.0):
        """SIGTERM and wait. Returns the exit status; kills (and says so) when it takes too long."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout * SLOWNESS)
            except subprocess.TimeoutExpired:
                self.kill9()
                raise AssertionError('helios-nano did not stop within %g s of SIGTERM' % (timeout * SLOWNESS))
        return self.process.returncode

    def log(self):
        with open(self.log_path, 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def sanitizer_reports(self):
        return re.findall(r'^SUMMARY: .*|.*runtime error:.*', self.log(), re.M)

    def remove(self):
        if self.alive():
            self.kill9()
        if self.own_data:
            shutil.rmtree(os.path.dirname(self.data_dir), ignore_errors=True)


class Postgres(Server):
    """A throw-away PostgreSQL 15 on a free port."""
    name = 'PostgreSQL 15'

    def __init__(self, settings=None, durable=False, parent=None):
        self.home = tempfile.mkdtemp(prefix='helios-test-pg-', dir=parent or TMP)
        self.data_dir = os.path.join(self.home, 'data')
        self.port = free_port()
        self.settings = {'listen_addresses': "'127.0.0.1'", 'unix_socket_directories': "'%s'" % self.home,
                         'timezone': "'UTC'", 'log_timezone': "'UTC'", 'lc_messages': "'C'", 'jit': 'off',
                         'max_connections': 120}
        self.stop_mode = 'fast' if durable else 'immediate'
        if not durable:
            self.settings.update({'fsync': 'off', 'synchronous_commit': 'off', 'full_page_writes': 'off',
                                  'autovacuum': 'off'})
        self.settings.update(settings or {})

    @staticmethod
    def _run(*command):
        if os.geteuid() == 0:
            command = ('runuser', '-u', 'postgres', '--') + command
        r = subprocess.run(command, capture_output=True, text=True, cwd='/')
        if r.returncode != 0:
            raise AssertionError('%s: %s%s' % (' '.join(command), r.stdout, r.stderr))

    def start(self):
        if not os.path.isdir(self.data_dir):
            os.mkdir(self.data_dir, 0o700)
            if os.geteuid() == 0:
                shutil.chown(self.home, 'postgres')
                shutil.chown(self.data_dir, 'postgres')
            self._run(PG_BIN + '/initdb', '-D', self.data_dir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
                      '--locale=C.UTF-8', '--no-sync')
            with open(self.data_dir + '/postgresql.auto.conf', 'a') as f:
                for k, v in self.settings.items():
                    f.write('%s = %s\n' % (k, v))
        began = time.monotonic()
        self._run(PG_BIN + '/pg_ctl', '-D', self.data_dir, '-l', self.home + '/log', '-o', '-p %d' % self.port, '-w',
                  'start')
        self.start_seconds = time.monotonic() - began
        with open(self.data_dir + '/postmaster.pid') as f:
            self.pid = int(f.readline())
        return self

    def alive(self):
        return os.path.exists('/proc/%d' % self.pid)

    def log(self):
        return ''

    def sanitizer_reports(self):
        return []

    def stop(self):
        if os.path.exists(self.data_dir + '/postmaster.pid'):
            self._run(PG_BIN + '/pg_ctl', '-D', self.data_dir, '-m', self.stop_mode, '-w', 'stop')

    def remove(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
