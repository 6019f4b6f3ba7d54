#!/usr/bin/env python3
"""Read the facts of PostgreSQL 15 (OIDs, names, signatures, settings, SQLSTATEs) from a running server
and write them as X-macro tables into the source tree.

Usage: tools/facts/extract.py [--dsn CONNINFO] [--errcodes FILE] [TABLE.def ...]

The server must be a fresh PostgreSQL 15 cluster (initdb, UTF8, locale C); nothing is written to it.
Only the Python standard library and the psql program are needed.
"""
import argparse
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def c_string(text):
    """A C string literal, or NULL for an SQL null."""
    if text is None:
        return "NULL"
    out = []
    for ch in text:
        if ch in '"\\':
            out.append("\\" + ch)
        elif ch == "\n":
            out.append("\\n")
        elif ch == "\t":
            out.append("\\t")
        elif ch == "?" and out and out[-1] == "?":
            out.append("\\?")  # no trigraphs
        elif " " <= ch <= "~":
            out.append(ch)
        else:
            out.extend("\\%03o" % b for b in ch.encode())
    return '"' + "".join(out) + '"'


def c_char(text):
    if text is None or text == "":
        return "0"
    return "'" + ("\\" + text if text in "'\\" else text) + "'"


def c_bool(text):
    return {"t": "1", "f": "0"}[text]


def c_int(text):
    return "0" if text is None or text == "" or text == "-" else text


FORMAT = {"s": c_string, "c": c_char, "b": c_bool, "i": c_int}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}


def copy_field(raw):
    """Undo the escapes of COPY's text format."""
    if raw == "\\N":
        return None
    if "\\" not in raw:
        return raw
    out, i = [], 0
    while i < len(raw):
        if raw[i] == "\\":
            i += 1
            out.append(ESCAPES.get(raw[i], raw[i]))
        else:
            out.append(raw[i])
        i += 1
    return "".join(out)


def query(dsn, sql):
    cmd = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-c",
           "COPY (" + sql + ") TO STDOUT"]
    env = dict(os.environ, PGCLIENTENCODING="UTF8")
    data = subprocess.run(cmd, check=True, stdout=subprocess.PIPE, env=env).stdout.decode()
    return [[copy_field(f) for f in line.split("\t")] for line in data.split("\n")[:-1]]


class Table:
    """One .def file: sections of (macro name, column names, column formats, SQL)."""

    def __init__(self, path, what, *sections):
        self.path, self.what, self.sections = path, what, sections

    def write(self, dsn):
        lines = ["/*", " * " + self.what, " *"]
        for macro, columns, _, _ in self.sections:
            lines += wrap(macro + "(" + ", ".join(columns) + ")")
        lines += [" *", " * Facts of PostgreSQL 15; written by tools/facts/extract.py " + os.path.basename(self.path)
                  + ", do not edit.", " */"]
        for macro, columns, formats, sql in self.sections:
            lines.append("#ifdef " + macro)
            for row in query(dsn, sql):
                assert len(row) == len(columns) == len(formats), (self.path, macro, row)
                lines.append(macro + "(" + ", ".join(FORMAT[f](v) for f, v in zip(formats, row)) + ")")
            lines += ["#undef " + macro, "#endif"]
        write_file(self.path, lines)


def wrap(text):
    out, line = [], " *  "
    for word in text.split(" "):
        if len(line) + len(word) > 112:
            out.append(line)
            line = " *     "
        line += " " + word
    return out + [line]


def write_file(path, lines):
    full = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    print("%-34s %6d lines" % (path, len(lines)))


def write_errcodes(source):
    lines = ["/*", " * SQLSTATEs.", " *",
             " *   ERRCODE(name, five characters of the SQLSTATE, class 'E'rror 'W'arning 'S'uccess, \"condition_name\" or NULL)", " *",
             " * Facts of PostgreSQL 15; written by tools/facts/extract.py errcodes.def, do not edit.", " */",
             "#ifdef ERRCODE"]
    for raw in open(source, encoding="ascii"):
        words = raw.split()
        if raw.startswith(("#", "Section:")) or len(words) < 3:
            continue
        state, kind, macro = words[:3]
        condition = words[3] if len(words) > 3 else None
        lines.append("ERRCODE(%s, %s, '%s', %s)" % (macro.replace("ERRCODE_", ""), ", ".join("'%s'" % c for c in state), kind,
                                                     c_string(condition)))
    write_file("src/common/errcodes.def", lines + ["#undef ERRCODE", "#endif"])


def fields(spec):
    """'name:s oid:i' -> (names, formats)"""
    pairs = [w.rsplit(":", 1) for w in spec.split()]
    return [p[0] for p in pairs], [p[1] for p in pairs]


def section(macro, spec, sql):
    names, formats = fields(spec)
    return (macro, names, formats, sql)


def oids(*exprs):
    return ", ".join(e + "::oid" for e in exprs)


TABLES = [
    Table("src/common/settings_pg.def", "The settings (GUCs), sorted by name.", section(
        "PGSETTING", "name:s vartype:s unit:s context:s category:s short_desc:s extra_desc:s boot_val:s min_val:s "
        "max_val:s enumvals:s",
        "select name, vartype, unit, context, category, short_desc, extra_desc, boot_val, min_val, max_val, "
        "array_to_string(enumvals, ',') from pg_settings order by name collate \"C\"")),
    Table("src/types/pg_type.def", "The pinned types, sorted by oid.", section(
        "PGTYPE", "oid:i typname:s typlen:i typbyval:b typtype:c typcategory:c typispreferred:b typdelim:c "
        "typrelid:i typelem:i typarray:i typinput:s typoutput:s typreceive:s typsend:s typmodin:s typmodout:s "
        "typanalyze:s typalign:c typstorage:c typbasetype:i typtypmod:i typcollation:i typsubscript:s",
        "select oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typrelid, typelem, "
        "typarray, typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typalign, typstorage, "
        "typbasetype, typtypmod, typcollation, typsubscript from pg_type where oid < 10000 and typrelid = 0 "
        "and not exists (select from pg_type e where e.oid = pg_type.typelem and e.typrelid <> 0) order by oid")),
    Table("src/catalog/pg_proc.def", "The built-in functions, sorted by oid; 13208 to 13219 are those of information_schema, "
          "else of pg_catalog. prolang: 'i' internal, 's' sql, 'c' C.", section(
        "PGPROC", "oid:i proname:s prolang:c procost:i prorows:i provariadic:i prokind:c prosecdef:b proleakproof:b "
        "proisstrict:b proretset:b provolatile:c proparallel:c pronargs:i pronargdefaults:i prorettype:i "
        "proargtypes:s proallargtypes:s proargmodes:s proargnames:s proargdefaults:s prosrc:s description:s",
        "select p.oid, proname, case when pronamespace = 11 then left(l.lanname, 1) else 'i' end, procost, prorows, provariadic, prokind, prosecdef, proleakproof, "
        "proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, prorettype, proargtypes, "
        "coalesce(array_to_string(proallargtypes, ' '), ''), coalesce(array_to_string(proargmodes, ''), ''), "
        "coalesce(array_to_string(proargnames, ','), ''), coalesce(pg_get_expr(proargdefaults, 0), ''), "
        "case when pronamespace = 11 then coalesce(nullif(prosrc, ''), pg_get_function_sqlbody(p.oid), '') else proname end, "
        "coalesce(obj_description(p.oid, 'pg_proc'), '') "
        "from pg_proc p join pg_language l on l.oid = prolang where pronamespace in (11, 'information_schema'::regnamespace) "
        "order by p.oid")),
    Table("src/catalog/pg_operator.def", "The built-in operators, sorted by oid.", section(
        "PGOPERATOR", "oid:i oprname:s oprkind:c oprcanmerge:b oprcanhash:b oprleft:i oprright:i oprresult:i "
        "oprcom:i oprnegate:i oprcode:i oprrest:i oprjoin:i description:s",
        "select oid, oprname, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult, oprcom, oprnegate, "
        + oids("oprcode", "oprrest", "oprjoin") + ", coalesce(obj_description(oid, 'pg_operator'), '') "
        "from pg_operator order by oid")),
    Table("src/catalog/pg_cast.def", "The built-in casts, sorted by oid.", section(
        "PGCAST", "oid:i castsource:i casttarget:i castfunc:i castcontext:c castmethod:c",
        "select oid, castsource, casttarget, castfunc, castcontext, castmethod from pg_cast order by oid")),
    Table("src/catalog/pg_aggregate.def", "The built-in aggregates, sorted by function oid.", section(
        "PGAGGREGATE", "aggfnoid:i aggkind:c aggnumdirectargs:i aggtransfn:i aggfinalfn:i aggcombinefn:i "
        "aggserialfn:i aggdeserialfn:i aggmtransfn:i aggminvtransfn:i aggmfinalfn:i aggfinalextra:b "
        "aggmfinalextra:b aggfinalmodify:c aggmfinalmodify:c aggsortop:i aggtranstype:i aggtransspace:i "
        "aggmtranstype:i aggmtransspace:i agginitval:s aggminitval:s",
        "select " + oids("aggfnoid") + ", aggkind, aggnumdirectargs, " + oids(
            "aggtransfn", "aggfinalfn", "aggcombinefn", "aggserialfn", "aggdeserialfn", "aggmtransfn",
            "aggminvtransfn", "aggmfinalfn") +
        ", aggfinalextra, aggmfinalextra, aggfinalmodify, aggmfinalmodify, aggsortop, aggtranstype, aggtransspace, "
        "aggmtranstype, aggmtransspace, agginitval, aggminitval from pg_aggregate order by aggfnoid::oid")),
    Table("src/catalog/keywords.def", "SQL keywords. catcode: 'U'nreserved, 'C'olumn name, 'T'ype or function name, "
          "'R'eserved.", section(
        "KEYWORD", "word:s catcode:c barelabel:b catdesc:s baredesc:s",
        "select word, upper(catcode), barelabel, catdesc, baredesc from pg_get_keywords() order by word collate \"C\"")),
    Table("src/catalog/pg_am.def", "Access methods.", section(
        "PGAM", "oid:i amname:s amhandler:i amtype:c",
        "select oid, amname, amhandler::oid, amtype from pg_am order by oid")),
    Table("src/catalog/pg_opfamily.def", "Operator families.", section(
        "PGOPFAMILY", "oid:i opfmethod:i opfname:s", "select oid, opfmethod, opfname from pg_opfamily order by oid")),
    Table("src/catalog/pg_opclass.def", "Operator classes.", section(
        "PGOPCLASS", "oid:i opcmethod:i opcname:s opcfamily:i opcintype:i opcdefault:b opckeytype:i",
        "select oid, opcmethod, opcname, opcfamily, opcintype, opcdefault, opckeytype from pg_opclass order by oid")),
    Table("src/catalog/pg_amop.def", "Operators of the operator families.", section(
        "PGAMOP", "oid:i amopfamily:i amoplefttype:i amoprighttype:i amopstrategy:i amoppurpose:c amopopr:i "
        "amopmethod:i amopsortfamily:i",
        "select oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose, amopopr, amopmethod, "
        "amopsortfamily from pg_amop order by oid")),
    Table("src/catalog/pg_amproc.def", "Support functions of the operator families.", section(
        "PGAMPROC", "oid:i amprocfamily:i amproclefttype:i amprocrighttype:i amprocnum:i amproc:i",
        "select oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc::oid from pg_amproc "
        "order by oid")),
    Table("src/catalog/pg_collation.def", "The collations every database has.", section(
        "PGCOLLATION", "oid:i collname:s collprovider:c collisdeterministic:b collencoding:i collcollate:s "
        "collctype:s",
        "select oid, collname, collprovider, collisdeterministic, collencoding, collcollate, collctype "
        "from pg_collation where collname in ('default', 'C', 'POSIX', 'ucs_basic', 'C.utf8', 'C.UTF-8') "
        "order by oid")),
    Table("src/catalog/pg_language.def", "Procedural languages.", section(
        "PGLANGUAGE", "oid:i lanname:s lanispl:b lanpltrusted:b lanplcallfoid:i laninline:i lanvalidator:i",
        "select oid, lanname, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator from pg_language "
        "order by oid")),
    Table("src/catalog/pg_range.def", "Range types.", section(
        "PGRANGE", "rngtypid:i rngsubtype:i rngmultitypid:i rngcollation:i rngsubopc:i rngcanonical:i rngsubdiff:i",
        "select rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc, rngcanonical::oid, rngsubdiff::oid "
        "from pg_range order by 1")),
    Table("src/catalog/pg_conversion.def", "Encoding conversions.", section(
        "PGCONVERSION", "oid:i conname:s conforencoding:i contoencoding:i conproc:i condefault:b",
        "select oid, conname, conforencoding, contoencoding, conproc::oid, condefault from pg_conversion "
        "order by oid")),
    Table("src/catalog/pg_ts_config.def", "Text search configurations and their token mappings.", section(
        "PGTSCONFIG", "oid:i cfgname:s cfgparser:i",
        "select oid, cfgname, cfgparser from pg_ts_config order by oid"), section(
        "PGTSCONFIGMAP", "mapcfg:i maptokentype:i mapseqno:i mapdict:i",
        "select mapcfg, maptokentype, mapseqno, mapdict from pg_ts_config_map order by 1, 2, 3")),
    Table("src/catalog/pg_ts_dict.def", "Text search dictionaries.", section(
        "PGTSDICT", "oid:i dictname:s dicttemplate:i dictinitoption:s",
        "select oid, dictname, dicttemplate, dictinitoption from pg_ts_dict order by oid")),
    Table("src/catalog/pg_ts_parser.def", "Text search parsers.", section(
        "PGTSPARSER", "oid:i prsname:s prsstart:i prstoken:i prsend:i prsheadline:i prslextype:i",
        "select oid, prsname, " + oids("prsstart", "prstoken", "prsend", "prsheadline", "prslextype") +
        " from pg_ts_parser order by oid")),
    Table("src/catalog/pg_ts_template.def", "Text search templates.", section(
        "PGTSTEMPLATE", "oid:i tmplname:s tmplinit:i tmpllexize:i",
        "select oid, tmplname, tmplinit::oid, tmpllexize::oid from pg_ts_template order by oid")),
    Table("src/catalog/pg_tablespace.def", "Tablespaces.", section(
        "PGTABLESPACE", "oid:i spcname:s spcowner:i",
        "select oid, spcname, spcowner from pg_tablespace order by oid")),
    Table("src/catalog/pg_namespace.def", "Schemas of a new database.", section(
        "PGNAMESPACE", "oid:i nspname:s nspowner:i nspacl:s",
        "select oid, nspname, nspowner, nspacl from pg_namespace where nspname in ('pg_catalog', 'pg_toast', "
        "'public', 'information_schema') order by oid")),
    Table("src/catalog/pg_authid.def", "Predefined roles.", section(
        "PGAUTHID", "oid:i rolname:s rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b "
        "rolreplication:b rolbypassrls:b rolconnlimit:i",
        "select oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, "
        "rolbypassrls, rolconnlimit from pg_authid where oid < 16384 order by oid"), section(
        "PGAUTHMEMBER", "roleid:i member:i grantor:i admin_option:b",
        "select roleid, member, grantor, admin_option from pg_auth_members where roleid < 16384 and member < 16384 "
        "order by 1, 2")),
    Table("src/catalog/sys_domains.def", "The domains of information_schema.", section(
        "SYSDOMAIN", "oid:i typname:s typbasetype:i typtypmod:i typarray:i typcollation:i typlen:i typbyval:b "
        "typcategory:c typalign:c typstorage:c check_name:s check_expr:s",
        "select t.oid, typname, typbasetype, typtypmod, typarray, typcollation, typlen, typbyval, typcategory, "
        "typalign, typstorage, conname, pg_get_constraintdef(c.oid) from pg_type t left join pg_constraint c "
        "on c.contypid = t.oid where typtype = 'd' and typnamespace = 'information_schema'::regnamespace "
        "order by t.oid")),
    Table("src/catalog/sys_columns.def", "The relations of pg_catalog and information_schema, and their columns.",
          section(
        "SYSREL", "oid:i relname:s schema:s relkind:c reltype:i relisshared:b",
        "select c.oid, relname, nspname, relkind, reltype, relisshared from pg_class c join pg_namespace n "
        "on n.oid = relnamespace where nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v') "
        "order by c.oid"), section(
        "SYSCOL", "attrelid:i attnum:i attname:s atttypid:i atttypmod:i attnotnull:b attlen:i attcollation:i",
        "select attrelid, attnum, attname, atttypid, atttypmod, attnotnull, attlen, attcollation "
        "from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace "
        "where nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v') and attnum > 0 "
        "order by 1, 2")),
    Table("src/catalog/sys_indexes.def", "The indexes of the system catalogs.", section(
        "SYSINDEX", "indexrelid:i relname:s indrelid:i indisunique:b indisprimary:b indkey:s indclass:s "
        "indcollation:s conoid:i",
        "select indexrelid, c.relname, indrelid, indisunique, indisprimary, indkey, indclass, indcollation, "
        "coalesce(k.oid, 0) from pg_index join pg_class c on c.oid = indexrelid left join pg_constraint k "
        "on k.conindid = indexrelid where c.relnamespace = 11 order by indexrelid")),
    Table("src/catalog/pg_description.def", "Descriptions of built-in objects other than functions and operators.",
          section(
        "PGDESCRIPTION", "classoid:i objoid:i objsubid:i description:s",
        "select classoid, objoid, objsubid, description from pg_description where classoid not in (1255, 2617) "
        "and objoid < 16384 order by 1, 2, 3"), section(
        "PGSHDESCRIPTION", "classoid:i objoid:i description:s",
        "select classoid, objoid, description from pg_shdescription where objoid < 16384 order by 1, 2")),
]


FORM_KINDS = {  # type -> C shape of a catalog row's field
    "oid": "OID", "regproc": "OID", "name": "NAME", "bool": "BOOL", "char": "CHAR", "int2": "INT2", "int4": "INT4",
    "int8": "INT8", "float4": "FLOAT4", "text": "TEXT", "pg_node_tree": "TEXT", "timestamptz": "TIME",
    "oidvector": "OIDVEC", "int2vector": "INT2VEC", "xid": "OID", "pg_lsn": "INT8",
}


# Columns of our own behind PostgreSQL's, stored but not shown.
HIDDEN = {"pg_index": [("x_complete_at", "INT8")]}


def write_forms(dsn):
    """Every catalog table as a C struct: one CATFIELD a column."""
    rows = query(dsn, "select c.oid, relname, attname, t.typname from pg_class c join pg_attribute a on attrelid = c.oid "
                 "join pg_type t on t.oid = atttypid where relnamespace = 11 and relkind = 'r' and attnum > 0 "
                 "order by relname, attnum")
    lines = ["/*", " * The system catalogs as C structs, in column order.", " *", " *   CATALOG_BEGIN(relname, oid)",
             " *   CATFIELD(relname, column, kind): kind as in catalog_rows.h; ARRAY is any array or other varlena as a Datum",
             " *   CATALOG_END(relname, oid)", " * Columns named x_... are ours: stored behind PostgreSQL's, not shown.", " *",
             " * Facts of PostgreSQL 15; written by tools/facts/extract.py catalog_forms.def, do not edit.", " */"]
    last = None
    for oid, rel, col, typ in rows + [[None] * 4]:
        if last and (oid, rel) != last:
            lines += ["CATFIELD(%s, %s, %s)" % (last[1], c, k) for c, k in HIDDEN.get(last[1], [])]
            lines.append("CATALOG_END(%s, %s)" % (last[1], last[0]))
        if oid and (oid, rel) != last:
            lines.append("CATALOG_BEGIN(%s, %s)" % (rel, oid))
        if oid:
            lines.append("CATFIELD(%s, %s, %s)" % (rel, col, FORM_KINDS.get(typ, "ARRAY")))
        last = (oid, rel)
    lines += ["#undef CATALOG_BEGIN", "#undef CATFIELD", "#undef CATALOG_END"]
    write_file("src/catalog/catalog_forms.def", lines)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dsn", default="postgresql://postgres@127.0.0.1:55432/template1")
    ap.add_argument("--errcodes", default="/usr/share/postgresql/15/errcodes.txt")
    ap.add_argument("tables", nargs="*")
    args = ap.parse_args()
    wanted = set(args.tables)
    if not wanted or "errcodes.def" in wanted:
        write_errcodes(args.errcodes)
    if not wanted or "catalog_forms.def" in wanted:
        write_forms(args.dsn)
    for table in TABLES:
        if not wanted or os.path.basename(table.path) in wanted:
            table.write(args.dsn)


if __name__ == "__main__":
    sys.exit(main())
