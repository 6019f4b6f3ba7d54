"""psql beside a real PostgreSQL 15: the same script, the same screen."""
import os
import pty
import re
import select
import subprocess
import time

from support import harness

SCHEMA = """
CREATE SCHEMA app;
CREATE TABLE customer (id serial PRIMARY KEY, name varchar(40) NOT NULL, email text UNIQUE, joined date DEFAULT '2020-01-01',
    balance numeric(10,2) DEFAULT 0 CHECK (balance >= 0), tags text[], seen timestamptz);
CREATE INDEX customer_name ON customer (lower(name));
CREATE INDEX customer_joined ON customer (joined DESC) WHERE balance > 0;
CREATE TABLE app.orders (id bigint GENERATED ALWAYS AS IDENTITY, item text, amount int, total int GENERATED ALWAYS AS (amount * 2) STORED);
CREATE TABLE plain (a int, b char(3), c "char", d bool);
CREATE VIEW rich AS SELECT id, name FROM customer WHERE balance > 1000;
CREATE SEQUENCE counter START 10 INCREMENT 5;
CREATE SEQUENCE small_counter AS smallint CYCLE MAXVALUE 20;
COMMENT ON TABLE customer IS 'people who buy';
COMMENT ON COLUMN customer.email IS 'where to write';
COMMENT ON VIEW rich IS 'the rich ones';
COMMENT ON SCHEMA app IS 'the application';
INSERT INTO customer (name, email) VALUES ('Ann', 'ann@example.com'), ('Bob', NULL);
"""

COMMANDS = [
    r'\d', r'\dt', r'\di', r'\dv', r'\ds', r'\dn', r'\du', r'\df', r'\dT', r'\dt *.*orders', r'\dt app.*', r'\dt nothing',
    r'\d customer', r'\d app.orders', r'\d plain', r'\d rich', r'\d counter', r'\d small_counter', r'\d customer_pkey', r'\d customer_joined', r'\d nothing',
    r'\d+ customer', r'\d+ app.orders', r'\d+ plain', r'\d+ rich', r'\d+ customer_name', r'\dn+', r'\du+', r'\dt cust*', r'\di *name',
    r'\df abs', r'\df initcap', r'\dT int4', r'\dT pg_catalog.text', r'\dTS uuid', r'\dt pg_catalog.pg_class', r'\dS pg_tables', r'\da bool_and', r'\do ||', r'\dC bool',
    r'\dp customer', r'\ddp', r'\dx', r'\dD', r'\dE', r'\dm', r'\db', r'\dL', r'\dA', r'\drds', r'\dRp', r'\dy', r'\det', r'\des', r'\dew',
    r'\encoding', r'\conninfo_shape', r'\sv rich', r'\l difftest_none', r'\echo done',
    'SELECT * FROM customer ORDER BY id;', r'SELECT 1 AS x \gx', r'SELECT 1 AS a, 2 AS b \gset' + '\n' + r'\echo :a :b',
    r'SELECT * FROM customer WHERE nothing;', 'SELECT 1/0;', 'selec 1;', r'SELECT id, name FROM customer ORDER BY 1 \g (format=csv)',
    r"SELECT 'SELECT ' || g FROM generate_series(1, 2) g \gexec", r'\x' + '\nTABLE plain;', r'\pset null NULL' + '\nSELECT NULL;',
    r'\timing off', r'\copy customer (id, name) to stdout', r'SELECT $1::int + 1 \bind 5 \g', r'SELECT id, name FROM customer \gdesc',
    r'\crosstabview', 'BEGIN;\nSELECT 1/0;\nSELECT 1;\nROLLBACK;',
    r"\copy plain (a) from program 'seq 3'" + '\nTABLE plain;',
]


class Psql(harness.HeliosCase):
    database = 'e2e_psql'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = harness.shared_postgres()
        with cls.postgres.connect() as c:
            c.one('CREATE DATABASE e2e_psql')
        for server in (cls.postgres, cls.server):
            server.psql(None, cls.database, stdin=SCHEMA, args=('-Xq', '-1'))

    def screen(self, server, text, args=('-X',)):
        r = subprocess.run(['psql', *args], input=text + '\n', env=server.env(self.database), capture_output=True, text=True,
                           timeout=60)
        return re.sub(r'on socket.*|at port.*', '', r.stdout + r.stderr)

    def test_commands_look_the_same(self):
        for command in COMMANDS:
            with self.subTest(command.splitlines()[0]):
                self.assertEqual(self.screen(self.server, command), self.screen(self.postgres, command))

    def test_list_of_databases(self):
        def listing(server):
            rows = [line.split('|') for line in self.screen(server, r'\l', ('-XAt',)).splitlines() if '|' in line]
            return sorted(row for row in rows if row[0] in ('e2e_psql', 'postgres', 'template0', 'template1'))
        self.assertEqual(listing(self.server), listing(self.postgres))

    def test_verbose_errors(self):
        for sql in ('SELECT * FROM customer WHERE x;', "INSERT INTO customer (name, email) VALUES ('x', 'ann@example.com');",
                    'INSERT INTO customer (name) VALUES (NULL);', 'UPDATE customer SET balance = -1;'):
            text = '\\set VERBOSITY verbose\n' + sql
            with self.subTest(sql):
                strip = lambda s: re.sub(r'LOCATION:.*\n', '', s)
                self.assertEqual(strip(self.screen(self.server, text)), strip(self.screen(self.postgres, text)))

    def test_conninfo(self):
        self.assertIn('You are connected to database "e2e_psql" as user "postgres"', self.screen(self.server, r'\conninfo'))

    def test_tab_completion(self):
        master, slave = pty.openpty()
        p = subprocess.Popen(['psql', '-X'], stdin=slave, stdout=slave, stderr=slave, env={**self.env(), 'TERM': 'dumb'},
                             close_fds=True)
        os.close(slave)
        seen = b''

        def read_until(what, limit=10.0):
            nonlocal seen
            end = time.time() + limit
            while what not in seen and time.time() < end:
                if select.select([master], [], [], 0.1)[0]:
                    seen += os.read(master, 4096)
            return what in seen
        try:
            self.assertTrue(read_until(b'=#'), seen)
            seen = b''
            os.write(master, b'SELECT * FROM custo\t')
            self.assertTrue(read_until(b'mer'), seen)
            seen = b''
            os.write(master, b' WHERE bal\t')
            self.assertTrue(read_until(b'ance'), seen)
            os.write(master, b'\x03\n\\q\n')
        finally:
            p.terminate()
            p.wait(10)
            os.close(master)
