#!/usr/bin/env python3
"""Writes cases/io.txt: what PostgreSQL 15 answers to text input of each type (typname TAB text TAB answer, backslash escapes).
Usage: gen_io.py CONNECTION_STRING. The answer is "OK text" or "ER sqlstate | message | detail | first context line"."""
import os, random, struct, subprocess, sys

random.seed(15)
cases = []
def add(types, texts):
    for t in types.split():
        for x in texts:
            cases.append((t, x))

ints = ["0", "1", "-1", "+5", " 42 ", "\t7\n", "007", "-0", "32767", "32768", "-32768", "-32769", "2147483647", "2147483648",
        "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
        "99999999999999999999999", "", " ", "-", "+", "- 1", "1 2", "12a", "abc", "1.5", "0x10", "1_000", "1e3", "99999999999x", "--1"]
add("int2 int4 int8", ints + [str(random.randint(-2**63, 2**63 - 1) >> random.randint(0, 63)) for _ in range(60)])
add("oid", ["0", "1", "4294967295", "4294967296", "-1", "-2147483648", "-2147483649", " 12 ", "1x", "x", "", " ", "99999999999999999999", "+3"])
add("xid cid xid8", ["0", "1", "4294967295", "0x10", "010", " 7"])
add("tid", ["(0,1)", "(4294967295,65535)", "(0,65536)", "(0,1", "0,1", "", "(,)", "( 1 , 2 )", "(-1,0)", "(1,2)x", "(a,b)"])
add("bool", ["t", "true", "TRUE", "tr", "y", "ye", "yes", "on", "o", "of", "off", "f", "fals", "false", "n", "no", "0", "1", "2", "", " t ",
             "truee", "yess", "T", "oN", " \n off\t"])
add("char", ["", "a", "ab", " x", "\\101", "\\377", "\\400", "\\1", "\\1011"])
add("name", ["", "abc", "a" * 63, "a" * 70, "é" * 40])
add("text varchar bpchar", ["", "abc", " a ", "é", "a'b\"c\\d", "line\nbreak\ttab"])
floats = ["0", "-0", "1", "-1.5", "1e10", "1e15", "1e14", "123456789012345", "1234567890123456", "1e-4", "1e-5", "0.1", "0.3", "1e22", "1e23",
          "NaN", "nan", "inf", "-inf", "Infinity", "-Infinity", "+infinity", "infinit", "", " ", " 1.5 ", "1.5x", "abc", "1e400", "-1e400",
          "1e-400", "4.9e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623159e308", "3.4028235e38", "3.4028236e38",
          "1e39", "1e-46", "1.4e-45", "1e38", "9007199254740993", "9007199254740992", "5e-324", "0x10", "1.", ".5", ".", "-", "1e", "1e+",
          "100000", "1000000", "999999", "1234567", "0.000123456", "16777217", "8388608", "1.1754944e-38", "9.5367431640625e-07", "1e5", "1e6",
          "123456", "0.1234567890123456789", "12345678901234567890", "2.5e-5", "1,5", "1 5", "nan(1)", "--1"]
for _ in range(400):
    floats.append(repr(random.uniform(-1000, 1000)))
    d = struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0]
    floats.append(repr(d))
    floats.append(repr(2.0 ** random.randint(-1074, 1023)))
    floats.append("%.*g" % (random.randint(1, 17), 10 ** random.uniform(-30, 30)))
add("float8", floats)
f4 = floats[:70]
for _ in range(400):
    f4.append(repr(struct.unpack("<f", struct.pack("<I", random.getrandbits(32)))[0]))
    f4.append("%.*g" % (random.randint(1, 9), 10 ** random.uniform(-10, 10)))
for e in range(-149, 128):
    f4.append(repr(2.0 ** e))
add("float4", f4)
add("bytea", ["", "abc", "\\x", "\\x00ff", "\\xABcd", "\\x0 1", "\\x00 01", "\\x0", "\\xzz", "\\x1g", "a\\\\b", "a\\000b", "a\\377", "a\\400", "a\\b", "\\",
              "\\x0é", "é", "\\X00"])
add("uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
             "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11x", "",
             "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0e-ebc999c0b4ef8bb6d6bb9bd380a11", "11+b4f33-7f9a-4f1b-8b1c-000000000000"])
add("json jsonb", ['{}', '[]', '1', '-1.5e+10', '"a"', 'true', 'null', ' { "a" : [1, 2, {"b": null}] } ', '', ' ', '{', '[', '[1', '[1,', '[1,]', '{"a"',
             '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', '{a:1}', "{'a':1}", '{"a" 1}', '{"a":1 "b":2}', '[1 2]', '01', '-', '1.', '1e', '.5', '1a', 'tru',
             'True', 'nul', '"abc', '"a\\', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"tab\there"',
             '"line\nbreak"', '1 2', '{} []', ']', '}', ',', ':', '[,]', '{,}', '{"a":1}}', '[1]]', '"a" "b"', '+1', 'abc def', '@', '[@]', '{"a":@}',
             '{1:2}', '[1,\n2,\n  x]', '{"key": "a long enough value that the line is cut somewhere", "other": oops, "tail": 1}', '[' * 20 + ']' * 19,
             '{"a":[1,{"b":"c"}', '"é"', '["é" é]', '1.5.5', '--1', '-a', '0', '-0', '1E5', '{"a":"b"', '[true,false,null]', '["\\n\\t\\"\\/"]', '"\\u00e9"',
             '123abc', '1é', '[1,2', 'nullx', '\ttrue\r\n', '{"a":1,"a":2}'])
add("jsonb", ['{"b":1,"a":2,"aa":3,"b":4}', '1.10', '1e3', '1e-3', '-0.0', '1e400', '12345678901234567890.123', '{"":1}', '[[],{},[{}]]', '"\\u0041\\n"',
              '{"a":{"b":{"c":[1,2,{"d":"e"}]}}}', '1e200000', '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\n"', '"\\ud83d\\ud83d"', '["a", "\\u0000", "b"]'])
arrays = ['{}', '{1}', '{1,2,3}', ' { 1 , 2 } ', '{{1,2},{3,4}}', '{NULL,1}', '{null}', '{"NULL"}', '{"1"}', '[2:3]={1,2}', '[0:1][1:2]={{1,2},{3,4}}',
          '[1:2]={1,2}', '[-1:0]={5,6}', '[2]={1,2}', '', 'abc', '1', '{', '{1', '{1,', '{1,}', '{,1}', '{,}', '{1}}', '{1}x', '{1} x', '{{1},{2,3}}',
          '{{1},2}', '{1,{2}}', '{{1}{2}}', '{1 2}', '{"1" 2}', '{1 "2"}', '{"1""2"}', '{""}', '{a}', '{1,b}', '{{}}', '{{},{}}', '{{1},{}}',
          '[1:2]={1}', '[1:2]={1,2,3}', '[2:1]={}', '[1:]={1}', '[a:b]={1}', '[1:2={1,2}', '[1:2]{1,2}', '[1:2]=1', '[1:1][1:1]={1}', '[1:1]={{1}}',
          '{{{{{{1}}}}}}', '{{{{{{{1}}}}}}}', '{"a\\"b"}', '{a\\,b}', '{\\}', '{"\\', '{a b}', '{ a b }', '{"a b"}', '{"{}"}', '{a{b}', '{\\{}', '{99999999999}',
          '{1,2}, {3}', '[1:2] = {1,2}', '{"a",}', '{"a"}', '{ "a" , "b" }', '{"a" }', '{a,\\n}', '{\\ a\\ }', '{Null}', '{nul}', '{{1,2},{3}}', '{{{1},{2}},{{3},{4}}}',
          '[1:2][1:2]={{1,2},{3,4}}', '[1][2]={{1,2}}', '{ }', '{}{}', '{} ', '[1:0]={}', '{{1},{2},{3}}', '{1,2},', '[1:2]={3,4}x', '\t{1}\n', ' {1}x', ' {1', ' [1:1]= {1', ' x', '[+1:2]={1,2}']
add("_int4", arrays)
add("_text", arrays + ['{é,"ü ö"}', "{'a'}", '{"a\nb"}'])
add("_bool _float8 _int2 _int8", ['{t,f}', '{1.5,2}', '{1,NULL}', '{x}', '{}', '{70000}'])
add("_bytea", ['{"\\\\x01"}', '{abc}'])
add("_varchar _name _uuid", ['{a,b}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'])
add("_json", ['{"{\\"a\\":1}"}', '{x}', '{1,2}'])
add("int2vector oidvector", ["", "1", "1 2 3", " 1  2 ", "x", "1 x", "99999", "-1", "{1}"])
add("regclass regtype regproc", ["-", "0", "123456789"])
add("anyarray trigger record void cstring", ["", "x"])

add("inet", ["10.1.2.3", "10.1.2.3/24", "10.1.2.3/32", "10.1", "10", "", "x", "256.1.1.1", "1.2.3.4/33", "::1", "2001:db8::1/64", "::ffff:1.2.3.4", "fe80::1%eth0",
             "1.2.3.4/", "1.2.3.4/x", " 1.2.3.4", "1.2.3.4 ", "::/0", "0.0.0.0/0", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1.2.3.04", "1.2.3.4.5", "1:0:0:2::", "2001:db8:0:0:1:0:0:1", "::1.2.3.4"])
add("cidr", ["10.1.2.3", "10.1.2.0/24", "10.1.2.3/24", "10.1", "10", "192.168", "172.16", "224.1", "192.168.1", "10/8", "10.1/16", "::1", "2001:db8::/32", "2001:db8::1/64", "", "x", "128.1", "250", "239.1.1.1", "10.0.0.0/8"])
add("macaddr macaddr8", ["08:00:2b:01:02:03", "08-00-2B-01-02-03", "08002b:010203", "08002b-010203", "0800.2b01.0203", "0800-2b01-0203", "08002b010203", "08:00:2b:01:02", "", "x",
             "08:00:2b:01:02:0g", "08:00-2b:01:02:03", " 08:00:2b:01:02:03 ", "08:00:2b:01:02:03:04:05", "08002b0102030405"])
add("bit varbit", ["", "0", "101", "b101", "B1", "x1f", "XFF", "102", "xg", "11111111111"])
add("pg_lsn", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "x", "", "1", "1/", "/1", "123456789/0", " 1/1", "0000001/0"])
add("money", ["1", "$1", "$1,234.5", "-1.005", "-$1.00", "($1.00)", "1.999", "", "x", "92233720368547758.07", "92233720368547758.08", "-92233720368547758.08", "1.2.3", " 12 ", "$-3", "1,2,3", "0.004", "0.005"])

ranges = ["[1,5)", "[1,5]", "(1,5]", "(1,5)", "[1,1]", "[1,1)", "(1,2)", "empty", " EMPTY ", "empty x", "(,)", "[,]", "(,5]", "[1,)", "[5,1]", "", "1,5", "[1", "[1,", "[1,5", "[1,5)x", "[1,5) ",
          " [1,5)", "[1,2,3)", "[1)", "[a,b]", "[ 1 , 5 )", '["1","5")', "[2147483647,)", "(2147483647,)", "[1,2147483647]", "[\\1,5)", '["",1]']
add("int4range int8range numrange", ranges)
add("daterange", ["[2024-01-01,2024-01-31]", "(2024-01-01,2024-01-02)", "[-infinity,infinity]", "(-infinity,infinity)", "[x,)", "(,2024-01-01]"])
add("tsrange", ['[2024-01-01,2024-01-02]', '["2024-01-01 10:00","2024-01-01 12:00")', '[2024-01-01 10:00:00,)', "[2024-02-01,2024-01-01]"])
add("int4multirange nummultirange", ["{}", "{[1,5)}", "{[1,3),[2,5)}", "{[1,2),[2,3)}", "{[3,4),[1,2)}", "{empty}", "{empty,[1,2]}", " { [1,2] , [5,6] } ", "", "{", "{[1,2)", "{[1,2),}", "{,}", "[1,2)", "{[1,2)}x",
                            "{[1,2) [3,4)}", "{(,)}", "{(,1],(0,)}", "{[1,1)}", "{[2,1]}", "{x}", "{[1,2),x}", "{[1,2", "{[1,2)} "])
add("_int4range", ['{"[1,5)","(2,)"}', '{empty}'])

def literal(s):
    return "E'" + s.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") + "'"
def escape(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")

sql = ["set client_min_messages = error;", """create function pg_temp.try(t text, v text) returns text language plpgsql as $f$
declare r text; d text; m text; s text; c text;
begin
  begin
    execute format('select format(''%%s'', cast(%L as pg_catalog.%I))', v, t) into r;
    return 'OK ' || r;
  exception when others then
    get stacked diagnostics m = message_text, d = pg_exception_detail, s = returned_sqlstate, c = pg_exception_context;
    c := split_part(c, E'\\n', 1);
    if c like '%SQL statement%' or c like 'PL/pgSQL%' then c := ''; end if;
    return 'ER ' || s || ' | ' || m || ' | ' || coalesce(d, '') || ' | ' || c;
  end;
end $f$;"""]
sql += ["select replace(replace(replace(replace(pg_temp.try('%s', %s), E'\\\\', E'\\\\\\\\'), E'\\n', E'\\\\n'), E'\\t', E'\\\\t'), E'\\r', E'\\\\r');"
        % (t, literal(x)) for t, x in cases]
run = subprocess.run(["psql", "-X", "-Atq", sys.argv[1]], input="\n".join(sql), capture_output=True, text=True)
sys.stderr.write(run.stderr)
answers = run.stdout.splitlines()
assert len(answers) == len(cases), (len(answers), len(cases))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases", "io.txt"), "w") as f:
    for (t, x), a in zip(cases, answers):
        f.write("%s\t%s\t%s\n" % (t, escape(x), a))
