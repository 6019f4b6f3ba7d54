#!/usr/bin/env python3
"""Writes cases/numeric.txt: numeric expressions with the answers of a PostgreSQL 15 (psql connection arguments on the command line)."""
import random, subprocess, sys, os

def number(rng, big=False):
    kind = rng.random()
    if kind < 0.05: return rng.choice(['NaN', 'Infinity', '-Infinity', '0', '0.00', '1', '-1', '1.0'])
    n = rng.choice([1, 2, 3, 5, 9, 18, 40])
    s = ''.join(rng.choice('0123456789') for _ in range(n))
    dot = rng.randint(0, n)
    s = s[:dot] + ('.' + s[dot:] if rng.random() < .7 and dot < n else s[dot:])
    if s.startswith('.'): s = '0' + s
    if rng.random() < .3: s = '-' + s
    if rng.random() < .15: s += 'e%d' % rng.randint(-30, 30)
    return s

def main():
    rng = random.Random(7)
    ops2 = {'add': '{}+{}', 'sub': '{}-{}', 'mul': '{}*{}', 'div': '{}/{}', 'mod': '{}%{}', 'divtrunc': 'div({},{})',
            'cmp': '(case when {0}<{1} then -1 when {0}={1} then 0 else 1 end)', 'log': 'log({},{})', 'power': 'power({},{})', 'gcd': 'gcd({},{})'}
    ops1 = {'sqrt': 'sqrt({})', 'ln': 'ln({})', 'exp': 'exp({})', 'ceil': 'ceil({})', 'floor': 'floor({})', 'out': '{}', 'float8': '({})::float8',
            'int8': '({})::int8', 'round2': 'round({},2)', 'roundm2': 'round({},-2)', 'trunc3': 'trunc({},3)', 'send': 'numeric_send({})'}
    cases = []
    for op in ops2:
        for _ in range(90 if op not in ('log', 'power', 'gcd') else 60):
            a, b = number(rng), number(rng)
            if op == 'power': b = rng.choice([str(rng.randint(-20, 30)), '%.2f' % rng.uniform(-9, 9), b])
            cases.append((op, a, b))
    for op in ops1:
        for _ in range(50): cases.append((op, number(rng), ''))
    sql = ["create or replace function pg_temp.t(q text) returns text language plpgsql as $$ declare r text; begin execute q into r; return r; "
           "exception when others then return 'ERROR ' || sqlstate || ' ' || sqlerrm; end $$;"]
    for op, a, b in cases:
        e = (ops2.get(op) or ops1[op]).format("'%s'::numeric" % a, "'%s'::numeric" % b)
        sql.append("select pg_temp.t($q$select %s$q$);" % e)
    out = subprocess.run(['psql', '-AtqX'] + sys.argv[1:], input='\n'.join(sql), capture_output=True, text=True, check=True).stdout
    answers = out.splitlines()
    assert len(answers) == len(cases), (len(answers), len(cases))
    with open(os.path.join(os.path.dirname(__file__), 'cases', 'numeric.txt'), 'w') as f:
        for (op, a, b), r in zip(cases, answers):
            if len(r) < 160: f.write('%s|%s|%s|%s\n' % (op, a, b, r))

main()
