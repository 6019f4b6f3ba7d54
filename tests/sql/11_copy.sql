-- COPY in and out, text and csv.
CREATE TABLE t (id int, v text, n numeric, d date);
COPY t FROM STDIN;
1	one	1.5	2020-01-01
2	\N	\N	\N
3	tab\there	3	2020-02-29
4	back\\slash	4	infinity
5	new\nline	5	\N
6		0	\N
\.
SELECT * FROM t ORDER BY id;
COPY t TO STDOUT;
COPY t (id, v) TO STDOUT;
COPY (SELECT id, v FROM t WHERE id < 4 ORDER BY id) TO STDOUT;
COPY (SELECT * FROM t ORDER BY id) TO STDOUT WITH CSV;
COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT csv, HEADER);
COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT csv, DELIMITER ';', NULL 'nil', QUOTE '''', FORCE_QUOTE (v));
COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT csv, FORCE_QUOTE *);
COPY (SELECT * FROM t ORDER BY id) TO STDOUT (DELIMITER '|', NULL '');
COPY (SELECT 'a"b' AS x, 'c,d' AS y, '' AS z, NULL AS n, ' sp ' AS s, E'l1\nl2' AS l) TO STDOUT CSV HEADER;
COPY (VALUES (1, 'x'), (2, 'y')) TO STDOUT;
TRUNCATE t;
COPY t FROM STDIN CSV;
1,one,1.5,2020-01-01
2,"quo""ted",,
3,"comma, inside",3,2020-03-03
4,"new
line",4,
5,,5,
6,"",6,
\.
SELECT id, v, v IS NULL AS isnull, n, d FROM t ORDER BY id;
TRUNCATE t;
COPY t (v, id) FROM STDIN (FORMAT csv, HEADER, DELIMITER ';', NULL 'NULL');
some;header
a;1
NULL;2
"NULL";3
\.
SELECT id, v FROM t ORDER BY id;
COPY t FROM STDIN;
x	bad	1	2020-01-01
\.
COPY t FROM STDIN;
7	ok	1	2020-01-01
8	too	many	2020-01-01	columns
\.
COPY t FROM STDIN;
7	missing
\.
COPY t FROM STDIN CSV;
7,"unterminated
\.
COPY t FROM STDIN CSV;
7,a,b,2020-01-01
\.
SELECT count(*) FROM t;
COPY t (nothing) FROM STDIN;
\.
COPY t (id, id) FROM STDIN;
\.
COPY t TO STDOUT (FORMAT nonsense);
COPY t TO STDOUT (NONSENSE true);
COPY t TO STDOUT (DELIMITER 'ab');
COPY t TO STDOUT (FORMAT text, QUOTE '"');
COPY (SELECT nothing FROM t) TO STDOUT;
COPY (DELETE FROM t WHERE id = 1) TO STDOUT;
COPY (DELETE FROM t WHERE id = 1 RETURNING id, v) TO STDOUT;
CREATE TABLE u (id int PRIMARY KEY, v varchar(3) NOT NULL, e text DEFAULT 'dflt', CHECK (id < 100));
COPY u (id, v) FROM STDIN;
1	a
2	b
\.
SELECT * FROM u ORDER BY id;
COPY u FROM STDIN;
3	c	x
1	d	x
\.
COPY u FROM STDIN;
4	toolong	x
\.
COPY u FROM STDIN;
5	\N	x
\.
COPY u FROM STDIN;
500	x	x
\.
SELECT count(*) FROM u;
BEGIN;
COPY u (id, v) FROM STDIN;
10	x
11	y
\.
SELECT count(*) FROM u;
ROLLBACK;
SELECT count(*) FROM u;
COPY u (id, v) FROM STDIN WHERE id > 20;
20	x
21	y
\.
SELECT * FROM u ORDER BY id;
COPY u TO STDOUT;
COPY u (id, v) FROM STDIN;
\.
COPY u FROM '/nonexistent/file';
CREATE TABLE types (b bool, i2 int2, i8 int8, f4 float4, f8 float8, ts timestamp, tz timestamptz, iv interval, u uuid, a int[], by bytea);
COPY types FROM STDIN;
t	1	2	1.5	2.5	2020-01-01 10:00:00	2020-01-01 10:00:00+01	1 day	a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11	{1,2,NULL}	\\x0102ff
false	-1	-2	NaN	-Infinity	-infinity	infinity	-1 mon	A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11	{}	\\x
\.
SELECT * FROM types ORDER BY i2;
COPY types TO STDOUT;
COPY (SELECT E'\b\f\v\r\x01' AS c) TO STDOUT;
COPY (SELECT g, g * 2 FROM generate_series(1, 100) g ORDER BY g) TO STDOUT;
CREATE VIEW vw AS SELECT id FROM u;
COPY vw TO STDOUT;
COPY (SELECT * FROM vw ORDER BY id) TO STDOUT;
COPY vw FROM STDIN;
\.
