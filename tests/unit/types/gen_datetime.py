#!/usr/bin/env python3
"""Writes cases/datetime.txt: type|datestyle|intervalstyle|zone|text|answer of a PostgreSQL 15 (psql connection arguments follow)."""
import os, random, subprocess, sys

STAMPS = """1999-01-08
January 8, 1999
1/8/1999
1/18/1999
01/02/03
1999-Jan-08
Jan-08-1999
08-Jan-1999
99-Jan-08
08-Jan-99
Jan-08-99
19990108
990108
1999.008
J2451187
January 8, 99 BC
2001-02-29
2000-02-29
99-01-08
04:05:06
04:05
040506
04:05 AM
04:05 PM
12:30 AM
12:30 PM
13:30 PM
04:05:06.789-8
04:05:06-08:00
04:05-08:00
040506-08
040506+0730
040506+07:30:00
04:05:06 PST
2003-04-12 04:05:06 America/New_York
04:05:06 America/New_York
1999-01-08 04:05:06
1999-01-08 04:05:06 -8:00
January 8 04:05:06 1999 PST
2004-10-19 10:23:54+02
2004-10-19 10:23:54.123456789
2004-10-19T10:23:54Z
20041019T102354
2004-10-19 10:23:54 Europe/Berlin
2004-10-19 10:23:54 CEST
2004-10-19 10:23:54 MSK
2010-10-19 10:23:54 MSK
2004-03-28 02:30:00
2004-10-31 02:30:00
epoch
infinity
-infinity
allballs
Mon Jan 08 04:05:06 1999
Mon Jan 08 04:05:06 1999 PST
Sat Mar 12 23:59:59 2022 UTC
1997-02-10 17:32:01.00000
Feb 10 17:32:01 1997
10/02/1997 17:32:01
1997/02/10 17:32:01
10.02.1997 17:32:01
10.02.97
Feb-10-1997 5:32PM
y2001m02d04 04:05:06
20011225T040506.789-08
2001-12-25 24:00:00
2001-12-25 24:00:01
2001-12-25 23:59:60
2001-12-25 23:60:00
2001-13-01
2001-00-01
2001-12-32
0000-01-01
0001-01-01 BC
4714-11-24 BC
4714-11-23 BC
294276-12-31 23:59:59
294277-01-01
5874897-12-31
5874898-01-01
2001-01-01 00:00:00+16
2001-01-01 00:00:00+15:59
2001-01-01 XYZ
foo

2001-01-01 00:00 PDT DST
08:00 2020-06-01
8 Jan 1999
Jan 8 1999 AD
1999 Jan 8
2020-W10-1
2020-060
366/2020
2000-01-01 12
2020.06.01
6.1.2020
now now
2020-01-01 2020-01-02
12:00:00 13:00:00
2020-01-01 at 10:00
1995-08-06 10:10:10 -0130
Jul 4, 1976 12:00:00.5 EDT
1500-06-01 00:00:00
1883-11-18 12:03:58
2050-07-01 12:00:00
2050-07-01 12:00:00 EST
1e5
99999999999
2024-06-15 12:00 pm""".split('\n')
INTERVALS = """1 day
1 day 02:03:04
1-2
-1-2
1 year 2 months 3 days 4 hours 5 minutes 6.789 seconds
P1Y2M3DT4H5M6S
P0001-02-03T04:05:06
PT36H
P1W
P-1Y2M
P1.5Y
PT1.5S
P1Y
P
PT
1.5 months
1.5 years
1.25 weeks
1.5 days
0.1 days
-1 days +02:03
-1 days -02:03:04.5
1 day ago
@ 1 minute
@ 1 year 2 mons -3 days 4 hours 5 mins 6 secs ago
3 4:05:06
1 2
5
-5
+5
1:2:3
1:2
-1:2
00:00:00.000001
1 millennium 1 century 1 decade
1.5 millennium
1 foo
day
1 day 2 days
1 hour 2:03
1000000000 years
178956970 years 7 months
178956970 years 8 months
2147483647 days
2147483648 days
9223372036854775807 us
100000000000 hours
1.123456789 sec
1 ms 5 us
3 weeks 2 days
1 mon -1 day
-1 mon 1 day
1 year -25:00:00
0
infinity
1d 2h 3m 4s
1y 2mon
1 yr 2 mins
1 month 30 hours
-1.5 hours
-0.5 mon
1-2 3 4:05:06
-1-2 +3 -4:05:06
+1-2 -3 +4:05:06
1-13
12:99
25:00
1.5:30
2 days 1 week
1 qtr
T1
P1DT
P1Y2W
PT-5M
p1y
1 day 1 hour ago
ago
:""".split('\n')

def main():
    rng = random.Random(3)
    cases = []
    for t in STAMPS:
        for ty in ('date', 'time', 'timetz', 'timestamp', 'timestamptz'):
            style = rng.choice(['ISO, MDY', 'ISO, DMY', 'ISO, YMD', 'SQL, MDY', 'SQL, DMY', 'Postgres, MDY', 'Postgres, DMY', 'German, DMY'])
            zone = rng.choice(['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata'])
            if ty == 'timetz' and zone not in ('UTC', 'Asia/Kolkata'): zone = 'UTC'
            if 'now' in t: continue
            cases.append((ty, style, 'postgres', zone, t))
            cases.append((ty, 'ISO, MDY', 'postgres', 'America/Los_Angeles' if ty != 'timetz' else 'UTC', t))
    for t in INTERVALS:
        for st in ('postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'):
            cases.append(('interval', 'ISO, MDY', st, 'UTC', t))
    for _ in range(200):
        y = rng.choice([rng.randint(1, 2100), rng.randint(1900, 2060)])
        t = '%04d-%02d-%02d %02d:%02d:%02d' % (y, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))
        cases.append(('timestamptz', rng.choice(['ISO, MDY', 'Postgres, MDY', 'SQL, DMY']), 'postgres',
                      rng.choice(['America/New_York', 'Europe/London', 'Europe/Moscow', 'Australia/Lord_Howe', 'Asia/Tokyo', 'America/Sao_Paulo']), t))
    sql = ["create or replace function pg_temp.t(ty text, v text) returns text language plpgsql as $$ declare r text; begin "
           "execute format('select %L::' || ty || '::text', v) into r; return r; "
           "exception when others then return 'ERROR ' || sqlstate || ' ' || sqlerrm; end $$;"]
    for ty, style, ist, zone, t in cases:
        sql.append("set datestyle='%s'; set intervalstyle='%s'; set timezone='%s'; select replace(pg_temp.t('%s','%s'), E'\\n', ' ');" % (style, ist, zone, ty, t))
    out = subprocess.run(['psql', '-AtqX'] + sys.argv[1:], input='\n'.join(sql), capture_output=True, text=True, check=True).stdout
    answers = out.splitlines()
    assert len(answers) == len(cases), (len(answers), len(cases))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cases', 'datetime.txt'), 'w') as f:
        for c, r in zip(cases, answers): f.write('|'.join(c) + '|' + r + '\n')

main()
