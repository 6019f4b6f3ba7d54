"""The unmodified pgbench and our pgbench-lite: set-up, three scripts, three query modes, many clients, and sums that agree."""
import json
import os
import re

from support import harness, servers

LITE = os.path.join(servers.ROOT, 'build', 'pgbench-lite')
CLIENTS = (1, 8, 32, 100) if not harness.SANITIZER else (1, 8)


class PgBench(harness.HeliosCase):
    database = 'e2e_pgbench'
    scale = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ready = False

    def pgbench(self, *args, check=True):
        return self.run_program(['pgbench', '-n', *args, self.database], timeout=300, check=check)

    def initialize(self):
        if not type(self).ready:
            self.run_program(['pgbench', '-i', '-q', '-s', str(self.scale), self.database], timeout=300)
            type(self).ready = True

    def sums(self):
        with self.connect() as c:
            return [int(c.value('SELECT coalesce(sum(%s), 0) FROM pgbench_%s' % pair)) for pair in
                    (('abalance', 'accounts'), ('bbalance', 'branches'), ('tbalance', 'tellers'), ('delta', 'history'))]

    def check_sums(self):
        sums = self.sums()
        self.assertEqual(len(set(sums)), 1, 'abalance, bbalance, tbalance, delta: %r' % sums)

    def check_output(self, r):
        self.assertRegex(r.stdout, r'number of failed transactions: 0 ')
        self.assertNotIn('ERROR', r.stderr)
        return int(re.search(r'actually processed: (\d+)', r.stdout).group(1))

    def history(self):
        with self.connect() as c:
            return int(c.value('SELECT count(*) FROM pgbench_history'))

    def test_a_initialize_server_side(self):
        type(self).ready = False
        self.run_program(['pgbench', '-i', '-q', '-s', '1', '-I', 'dtGvp', self.database], timeout=300)
        with self.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM pgbench_accounts'), '100000')
            self.assertEqual(c.value("SELECT count(*) FROM pg_index WHERE indisprimary AND indrelid::regclass::text LIKE 'pgbench%'"), '3')

    def test_b_initialize(self):
        type(self).ready = False
        self.initialize()
        with self.connect() as c:
            self.assertEqual(c.value('SELECT count(*) FROM pgbench_accounts'), str(100000 * self.scale))
            self.assertEqual(c.value('SELECT count(*), sum(abalance) FROM pgbench_accounts WHERE bid = 1'), '100000')

    def run_script(self, script):
        self.initialize()
        for mode in ('simple', 'extended', 'prepared'):
            for clients in CLIENTS:
                with self.subTest('%s %s -c %d' % (script, mode, clients)):
                    before = self.history()
                    r = self.pgbench('-b', script, '-M', mode, '-c', str(clients), '-j', '2', '-T', str(harness.seconds(2)),
                                     '-s', str(self.scale))
                    done = self.check_output(r)
                    if script != 'select-only':
                        self.assertEqual(self.history() - before, done)
        if script == 'tpcb-like':
            self.check_sums()

    def test_c_tpcb_like(self):
        with self.connect() as c:
            c.query('TRUNCATE pgbench_history; UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0; '
                    'UPDATE pgbench_branches SET bbalance = 0; UPDATE pgbench_tellers SET tbalance = 0')
        self.run_script('tpcb-like')

    def test_d_simple_update(self):
        self.run_script('simple-update')

    def test_e_select_only(self):
        self.run_script('select-only')

    def test_f_pgbench_lite(self):
        self.initialize()
        for workload in ('tpcb-like', 'simple-update', 'select-only', 'range-scan', 'aggregate', 'bulk-copy'):
            for mode in ('simple', 'extended', 'prepared'):
                with self.subTest('%s %s' % (workload, mode)):
                    r = self.run_program([LITE, '-w', workload, '-M', mode, '-c', '4', '-T', '1', '--json=-'])
                    result = json.loads(r.stdout)
                    self.assertEqual((result['failed'], result['clients_lost']), (0, 0))
                    self.assertGreater(result['transactions'], 0)
        r = self.run_program([LITE, '-i', '-s', '1'])
        type(self).ready = False
        self.assertIn('scale 1', r.stdout)

    def test_g_custom_script_with_pipeline(self):
        self.initialize()
        path = os.path.join(servers.temp_dir('script'), 's.sql')
        with open(path, 'w') as f:
            f.write('\\set a random(1, 1000)\n\\startpipeline\nSELECT abalance FROM pgbench_accounts WHERE aid = :a;\n'
                    'SELECT :a + 1;\nSELECT count(*) FROM pgbench_branches;\n\\endpipeline\n')
        self.check_output(self.pgbench('-f', path, '-M', 'extended', '-c', '4', '-t', '200'))

    def test_h_serializable_and_repeatable_read_retry(self):
        self.initialize()
        for level in ('repeatable read', 'serializable'):
            with self.subTest(level):
                r = self.run_program(['pgbench', '-n', '-c', '8', '-j', '2', '-T', str(harness.seconds(2)), '--max-tries=0',
                                      self.database], timeout=120,
                                     env={**self.env(), 'PGOPTIONS': '-c default_transaction_isolation=' + level.replace(' ', '\\ ')})
                self.check_output(r)
        sums = self.sums()
        self.assertEqual(len(set(sums[1:])), 1, sums)
