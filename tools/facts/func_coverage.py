#!/usr/bin/env python3
"""Prints which functions of pg_proc (facts in src/catalog/pg_proc.def) have no code in src/functions/func_table.def.

usage: func_coverage.py [-a]    -a: over all types; otherwise only those of the foundation (numbers, text, dates, arrays, ...)."""
import ast, os, re, sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
TYPES = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 700, 701, 702, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 1266, 1700, 2202, 2203,
         2204, 2205, 2206, 4089, 4096, 4191, 2249, 2276, 2277, 2278, 2281, 2283, 2776, 2950, 5069, 5077, 5078, 5079, 5080, 194, 2970, 1000, 1001, 1002, 1003,
         1005, 1006, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182, 1183, 1185, 1187, 1231, 2951, 1033, 1034, 2277}

def rows():
    for line in open(os.path.join(ROOT, 'src/catalog/pg_proc.def')):
        if not line.startswith('PGPROC('): continue
        v = ast.literal_eval('(' + line.strip()[7:-1] + ',)')
        yield dict(oid=v[0], name=v[1], lang=v[2], kind=v[6], retset=v[10], ret=v[15], args=[int(a) for a in v[16].split()], src=v[21])

def table():
    src, oid = set(), set()
    for line in open(os.path.join(ROOT, 'src/functions/func_table.def')):
        m = re.match(r'(FUNC|FUNC_OID)\((\w+)', line)
        if m: (src if m[1] == 'FUNC' else oid).add(m[2])
    return src, {int(o) for o in oid}

def main():
    every = '-a' in sys.argv
    src, oid = table()
    missing, have = {}, 0
    for r in rows():
        if not every and not all(t in TYPES for t in r['args'] + [r['ret']]): continue
        if 2275 in r['args'] or r['ret'] == 2275: continue
        if r['kind'] == 'a' or r['src'] in src or r['oid'] in oid: have += 1
        else: missing.setdefault(r['src'] if r['lang'] != 's' else 'SQL:%s:%d' % (r['name'], r['oid']), []).append(r)
    print('%d with code, %d without' % (have, sum(len(v) for v in missing.values())))
    print(' '.join(sorted(missing)))

main()
