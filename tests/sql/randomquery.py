#!/usr/bin/python3
"""Random queries and changes, the same on PostgreSQL 15 and on helios-nano: the answers must be equal as sets.

    tests/sql/randomquery.py --seed 7 --count 2000        a longer search; prints each statement that differs

Every query is deterministic by construction: aggregates do not depend on order, LIMIT comes with a total ORDER BY. Statements that fail on
PostgreSQL with a data error (division by zero, ...) may do what they like, as the order of evaluation decides them.
"""
import argparse
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import difftest  # noqa: E402
from support import pgclient, servers, sqlsplit  # noqa: E402

TABLES = {'r': ('id', 'a', 'b', 'c', 's', 'd', 'n', 'f'), 'p': ('id', 'a', 'b', 'c', 's', 'd', 'n', 'f'), 'q': ('id', 'a', 'b', 'c', 's', 'd', 'n', 'f')}
INTS, TEXTS, DATES, NUMERICS, BOOLS = ('id', 'a', 'b', 'c'), ('s',), ('d',), ('n',), ('f',)

SETUP = """
CREATE TABLE {t} (id int PRIMARY KEY, a int, b int, c int, s text, d date, n numeric(8,2), f bool);
INSERT INTO {t} SELECT g, CASE WHEN g % 9 = 0 THEN NULL ELSE (g * {m}) % 17 END, (g * g) % 23, CASE WHEN g % 5 = 0 THEN NULL ELSE g % 4 END,
  CASE WHEN g % 8 = 0 THEN NULL ELSE chr(97 + (g * {m}) % 7) || g % 3 END, '2020-01-01'::date + (g * {m}) % 40,
  CASE WHEN g % 11 = 0 THEN NULL ELSE ((g * {m}) % 100) / 4.0 END, CASE g % 3 WHEN 0 THEN true WHEN 1 THEN false END
  FROM generate_series(1, {rows}) g;
"""
INDEXES = ['CREATE INDEX ON r (a)', 'CREATE INDEX ON r (b, c)', 'CREATE INDEX ON p (s)', 'CREATE INDEX ON p (c DESC, a)', 'CREATE UNIQUE INDEX ON q (b, id)',
           'CREATE INDEX ON q (d) WHERE f', 'CREATE INDEX ON q (lower(s))', 'CREATE INDEX ON q (n)']


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *options):
        return self.r.choice(options)

    def column(self, scope, kinds):
        return '%s.%s' % (self.r.choice(scope), self.r.choice(kinds))

    # -- expressions of a type over the aliases in scope
    def number(self, scope, depth=2):
        r = self.r.random()
        if depth == 0 or r < 0.45:
            return self.column(scope, INTS) if self.r.random() < 0.75 else str(self.r.randint(-3, 30))
        if r < 0.75:
            return '(%s %s %s)' % (self.number(scope, depth - 1), self.pick('+', '-', '*'), self.number(scope, depth - 1))
        if r < 0.82:
            return '(%s %% %d)' % (self.number(scope, depth - 1), self.r.randint(2, 7))
        if r < 0.88:
            return 'coalesce(%s, %s)' % (self.number(scope, depth - 1), self.number(scope, depth - 1))
        if r < 0.92:
            return self.pick('abs(%s)', 'length(%s::text)', 'nullif(%s, 3)', 'greatest(%s, 2)', 'least(%s, 5)', '(- %s)') % self.number(scope, depth - 1)
        if r < 0.97:
            return 'CASE WHEN %s THEN %s ELSE %s END' % (self.condition(scope, depth - 1), self.number(scope, depth - 1), self.number(scope, depth - 1))
        return 'length(%s)' % self.text(scope, depth - 1)

    def text(self, scope, depth=1):
        r = self.r.random()
        if depth <= 0 or r < 0.6:
            return self.column(scope, TEXTS) if self.r.random() < 0.8 else "'%s'" % self.pick('a1', 'b', 'c0', '', 'g2')
        return self.pick('upper(%s)', 'coalesce(%s, \'-\')', '(%s || \'x\')', 'substr(%s, 1, 1)', 'lower(%s)', 'replace(%s, \'a\', \'b\')') % self.text(scope, depth - 1)

    def date(self, scope):
        return self.pick(self.column(scope, DATES), "'2020-01-%02d'::date" % self.r.randint(1, 28), '(%s + %d)' % (self.column(scope, DATES), self.r.randint(-5, 5)))

    def numeric(self, scope):
        return self.pick(self.column(scope, NUMERICS), '%.1f' % self.r.uniform(0, 25), '(%s * 2)' % self.column(scope, NUMERICS))

    def comparison(self, scope, depth):
        operator = self.pick('=', '=', '=', '<', '>', '<=', '>=', '<>')
        side = self.pick(self.number, self.number, self.number, self.text, self.date, self.numeric)
        if side in (self.number, self.text):
            return '%s %s %s' % (side(scope, min(depth, 1)), operator, side(scope, min(depth, 1)))
        return '%s %s %s' % (side(scope), operator, side(scope))

    def condition(self, scope, depth=2):
        r = self.r.random()
        if depth <= 0 or r < 0.4:
            return self.comparison(scope, depth)
        if r < 0.62:
            return '(%s %s %s)' % (self.condition(scope, depth - 1), self.pick('AND', 'AND', 'OR'), self.condition(scope, depth - 1))
        if r < 0.67:
            return 'NOT (%s)' % self.condition(scope, depth - 1)
        if r < 0.73:
            return '%s IS %sNULL' % (self.column(scope, INTS + TEXTS + DATES + NUMERICS + BOOLS), self.pick('', 'NOT '))
        if r < 0.78:
            return '%s %sIN (%s)' % (self.column(scope, INTS), self.pick('', 'NOT '), ', '.join(str(self.r.randint(-1, 25)) for _ in range(self.r.randint(1, 5))))
        if r < 0.82:
            low = self.r.randint(-2, 20)
            return '%s BETWEEN %d AND %d' % (self.column(scope, INTS), low, low + self.r.randint(-1, 15))
        if r < 0.85:
            return "%s LIKE '%s'" % (self.column(scope, TEXTS), self.pick('a%', '%1', '_0', 'c_', '%', 'b1'))
        if r < 0.88:
            return self.pick('%s', 'NOT %s', '%s IS TRUE', '%s IS NOT FALSE') % self.column(scope, BOOLS)
        return self.subquery_condition(scope, depth - 1)

    def subquery_condition(self, scope, depth):
        table = self.r.choice(list(TABLES))
        alias = 'x%d' % self.r.randint(0, 999)
        inner = self.condition([alias] if self.r.random() < 0.5 else [alias, *scope], 1)
        link = '%s.%s = %s' % (alias, self.pick('a', 'b', 'c', 'id'), self.column(scope, INTS))
        kind = self.r.random()
        if kind < 0.4:
            return '%sEXISTS (SELECT 1 FROM %s %s WHERE %s AND %s)' % (self.pick('', 'NOT '), table, alias, link, inner)
        if kind < 0.8:
            return '%s %sIN (SELECT %s.%s FROM %s %s WHERE %s)' % (self.column(scope, INTS), self.pick('', '', 'NOT '), alias, self.pick('a', 'b', 'c', 'id'), table, alias, inner)
        return '%s %s (SELECT %s(%s.%s) FROM %s %s WHERE %s)' % (self.column(scope, INTS), self.pick('=', '<', '>='), self.pick('max', 'min', 'count'), alias, self.pick('a', 'b', 'id'),
                                                               table, alias, self.pick(link, inner))

    # -- queries
    def source(self, alias):
        if self.r.random() < 0.12:
            inner = 'i' + alias
            return '(SELECT * FROM %s %s WHERE %s) %s' % (self.r.choice(list(TABLES)), inner, self.condition([inner], 1), alias)
        if self.r.random() < 0.06:
            inner = 'i' + alias
            return ('(SELECT min(id) AS id, a, max(b) AS b, c, min(s) AS s, max(d) AS d, sum(n) AS n, bool_or(f) AS f FROM %s %s GROUP BY a, c) %s'
                    % (self.r.choice(list(TABLES)), inner, alias))
        return '%s %s' % (self.r.choice(list(TABLES)), alias)

    def joined(self):
        count = self.pick(1, 1, 2, 2, 3)
        aliases = ['t%d' % i for i in range(count)]
        text = self.source(aliases[0])
        for i in range(1, count):
            kind = self.pick('JOIN', 'JOIN', 'LEFT JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')
            on = '%s = %s.%s' % (self.column(aliases[:i], INTS), aliases[i], self.pick(*INTS))
            if self.r.random() < 0.4 and kind != 'FULL JOIN':
                on += ' AND ' + self.condition(aliases[:i + 1], 1)
            text += ' %s %s ON %s' % (kind, self.source(aliases[i]), on)
        return text, aliases

    def query(self):
        text, aliases = self.joined()
        where = ' WHERE ' + self.condition(aliases) if self.r.random() < 0.75 else ''
        r = self.r.random()
        if r < 0.3:
            return self.grouped(text, aliases, where)
        if r < 0.4:
            columns = ', '.join(self.column(aliases, INTS + TEXTS) for _ in range(self.r.randint(1, 2)))
            return 'SELECT DISTINCT %s FROM %s%s' % (columns, text, where)
        if r < 0.5:
            other, names = self.joined()
            return 'SELECT %s FROM %s%s %s SELECT %s FROM %s' % (self.column(aliases, INTS), text, where,
                                                              self.pick('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL', 'INTERSECT ALL'), self.column(names, INTS), other)
        columns = [self.pick(self.number, self.text)(aliases) for _ in range(self.r.randint(1, 3))]
        if self.r.random() < 0.25:
            inner = 'z'
            columns.append('(SELECT %s FROM %s z WHERE z.%s = %s)' % (self.pick('count(*)', 'max(z.b)', 'sum(z.a)', 'min(z.s)'), self.r.choice(list(TABLES)),
                                                               self.pick(*INTS), self.column(aliases, INTS)))
        ids = ', '.join('%s.id' % a for a in aliases)
        if r < 0.8:
            if self.r.random() < 0.3:
                return 'SELECT count(*), sum(%s), min(%s) FROM %s%s' % (self.number(aliases), self.text(aliases), text, where)
            return 'SELECT %s, %s FROM %s%s' % (ids, ', '.join(columns), text, where)
        # a total order, as every row of the sources has its id (grouped sources repeat none together with a and c)
        order = ', '.join('%s %s' % (self.column(aliases, INTS + TEXTS + DATES), self.pick('', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST')) for _ in range(self.r.randint(0, 2)))
        total = (order + ', ' if order else '') + ', '.join('%s.id, %s.a, %s.c' % (a, a, a) for a in aliases)
        return 'SELECT %s, %s FROM %s%s ORDER BY %s LIMIT %d OFFSET %d' % (ids, ', '.join(columns), text, where, total, self.r.randint(1, 20), self.pick(0, 0, 3, 10))

    def grouped(self, text, aliases, where):
        keys = [self.pick(self.column(aliases, INTS + TEXTS), self.number(aliases, 1), self.column(aliases, BOOLS + DATES)) for _ in range(self.r.randint(1, 2))]
        aggregates = []
        for _ in range(self.r.randint(1, 3)):
            aggregates.append(self.pick('count(*)', 'count(%s)' % self.column(aliases, INTS), 'sum(%s)' % self.number(aliases, 1), 'min(%s)' % self.text(aliases),
                                        'max(%s)' % self.date(aliases), 'count(DISTINCT %s)' % self.column(aliases, INTS), 'avg(%s)' % self.column(aliases, NUMERICS + INTS),
                                        'sum(%s)' % self.numeric(aliases), 'bool_and(%s)' % self.column(aliases, BOOLS),
                                        'string_agg(DISTINCT %s, \',\' ORDER BY %s)' % ((self.column([aliases[0]], TEXTS),) * 2),
                                        'count(*) FILTER (WHERE %s)' % self.condition(aliases, 1)))
        having = ' HAVING %s' % self.pick('count(*) > 2', 'min(%s) < 10' % self.column(aliases, INTS), 'sum(%s) IS NOT NULL' % self.column(aliases, INTS)) if self.r.random() < 0.3 else ''
        numbers = ', '.join(str(i + 1) for i in range(len(keys)))
        return 'SELECT %s, %s FROM %s%s GROUP BY %s%s' % (', '.join(keys), ', '.join(aggregates), text, where, numbers, having)

    def change(self):
        table = self.r.choice(list(TABLES))
        r = self.r.random()
        if r < 0.5:
            sets = self.r.sample(['a = %s' % self.number([table], 1), 'b = %s' % self.number([table], 1), 's = %s' % self.text([table]), 'n = n + 1', 'f = NOT f', 'c = NULL',
                                  'd = d + 1'], self.r.randint(1, 3))
            return 'UPDATE %s SET %s WHERE %s' % (table, ', '.join(sets), self.condition([table]))
        if r < 0.65:
            return 'DELETE FROM %s WHERE %s AND id %% 7 = %d' % (table, self.condition([table]), self.r.randint(0, 6))
        if r < 0.85:
            first = self.r.randint(1, 400)
            return ("INSERT INTO %s SELECT g, g %% 13, g %% 7, NULL, 'new' || g %% 4, '2020-02-01', g / 3.0, g %% 2 = 0 FROM generate_series(%d, %d) g ON CONFLICT (id) DO %s"
                    % (table, first, first + 30, self.pick('NOTHING', 'UPDATE SET a = excluded.a, s = coalesce(%s.s, excluded.s)' % table)))
        if r < 0.95:
            return 'UPDATE %s SET b = x.m FROM (SELECT a, max(id) AS m FROM %s GROUP BY a) x WHERE x.a = %s.a AND %s' % (
                table, self.r.choice(list(TABLES)), table, self.condition([table], 1))
        return 'DELETE FROM %s USING q u WHERE u.id = %s.b AND u.c = %s.c AND %s.id %% 3 = 0' % (table, table, table, table) if table != 'q' else 'ANALYZE'


def run(reference, candidate, seed, count, verbose=True):
    """Returns (passed, failed)."""
    generator, passed, failed = Generator(seed), 0, 0
    sides = [difftest.Side(reference), difftest.Side(candidate)]
    setup = []
    for t, m, rows in (('r', 3, 300), ('p', 5, 200), ('q', 7, 250)):
        setup += [s.text for s in sqlsplit.split(SETUP.format(t=t, m=m, rows=rows))]
    for side in sides:
        side.open('difftest_random')
        for sql in setup + INDEXES + ['ANALYZE']:
            answer = side.connection.query(sql)[-1]
            if answer.error:
                print('FAIL sql random: %s: %s: %s' % (side.server.name, sql.split('\n')[0], answer.error))
                return 0, 1
    for number in range(count):
        if number % 8 == 7:
            texts = [generator.change(), 'SELECT * FROM r', 'SELECT * FROM p', 'SELECT * FROM q']
        else:
            texts = [generator.query()]
        for text in texts:
            statement = sqlsplit.Statement(text, 0)
            want, got = (side.run(statement, 'simple') for side in sides)
            bad_data = any(a.get('error', {}).get('C', '')[:2] == '22' for w in (want, got) for a in w.get('answers', []))
            found = None if bad_data and 'lost' not in got else difftest.difference(want, got)
            if not found:
                passed += 1
                continue
            failed += 1
            if verbose and failed <= 10:
                print('     seed %d, %d: %s\n         %s' % (seed, number, text, found[:500]), flush=True)
            if 'lost' in got:
                difftest.revive(sides[1], text, print)
            if text.startswith(('UPDATE', 'DELETE', 'INSERT')):
                return passed, failed       # the tables differ from here on
    for side in sides:
        side.close()
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--seeds', type=int, default=1, help='how many seeds, from --seed on')
    parser.add_argument('--count', type=int, default=1000)
    parser.add_argument('--reference-port', type=int)
    parser.add_argument('--port', type=int)
    o = parser.parse_args()
    reference = difftest.External(o.reference_port) if o.reference_port else servers.Postgres().start()
    candidate = difftest.External(o.port) if o.port else servers.Helios().start()
    try:
        totals = [run(reference, candidate, seed, o.count) for seed in range(o.seed, o.seed + o.seeds)]
    finally:
        for s in (reference, candidate):
            if not isinstance(s, difftest.External):
                s.remove()
    print('%d passed, %d failed' % tuple(map(sum, zip(*totals))))


if __name__ == '__main__':
    main()
