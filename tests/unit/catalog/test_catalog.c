/* Descriptors, names, caches and their invalidation, dropping. */
#include "catalog_test.h"

static TestSession a, b;

static void setup(void)
{
    setup_cluster();
    session_open(&a, 1);
    session_open(&b, 2);
    session_begin(&a);
}

static void teardown(void)
{
    session_close(&a);
    session_close(&b);
    teardown_cluster();
}

TestSuite(catalog, .init = setup, .fini = teardown, .timeout = 60);

static Oid relation_of(TestSession *s, const char *schema, const char *name)
{
    Oid oid;
    OK(lookup_relation(&s->env, NULL, schema, name, true, &oid, err));
    return oid;
}

static const Relation *try_open(TestSession *s, Oid oid)
{
    const Relation *rel;
    OK(relation_try_open(&s->env, oid, LOCK_NONE, &rel, err));
    return rel;
}

Test(catalog, system_relations)
{
    const Relation *rel;
    cr_assert_eq(relation_of(&a, NULL, "pg_class"), 1259);
    cr_assert_eq(relation_of(&a, "pg_catalog", "pg_attribute"), 1249);
    cr_assert_eq(relation_of(&a, "public", "pg_class"), 0);
    OK(relation_open(&a.env, 1259, LOCK_ACCESS_SHARE, &rel, err));
    cr_assert_str_eq(rel->name, "pg_class");
    cr_assert(rel->is_virtual);
    cr_assert_eq(rel->desc->natts, 33);
    cr_assert_eq(relation_find_column(rel, "relname"), 2);
    cr_assert_eq(relation_find_column(rel, "tableoid"), -6);
    FAILS(lookup_relation(&a.env, NULL, NULL, "nothing", false, &(Oid){0}, err), ERR_UNDEFINED_TABLE);
    FAILS(lookup_relation(&a.env, "other", "public", "nothing", false, &(Oid){0}, err), ERR_FEATURE_NOT_SUPPORTED);
}

Test(catalog, bootstrap_survives_reopening)
{
    Oid oid;
    session_commit(&a);
    session_close(&a);
    session_close(&b);
    close_test_cluster();
    open_test_cluster();
    session_open(&a, 1);
    session_open(&b, 2);
    session_begin(&a);
    OK(lookup_role(&a.env, "postgres", false, &oid, err));
    cr_assert_eq(oid, 10);
    OK(lookup_database(&a.env, "template1", false, &oid, err));
    cr_assert_eq(oid, 1);
    OK(lookup_namespace(&a.env, "public", false, &oid, err));
    cr_assert_eq(oid, 2200);
    FAILS(lookup_database(&a.env, "no", false, &oid, err), ERR_UNDEFINED_DATABASE);
    FAILS(lookup_namespace(&a.env, "no", false, &oid, err), ERR_INVALID_SCHEMA_NAME);
}

Test(catalog, own_ddl_is_seen_at_once_and_by_others_after_commit)
{
    session_begin(&b);
    Oid oid = make_table(&a, "t", "x y");
    cr_assert_eq(relation_of(&a, NULL, "t"), oid);
    const Relation *rel = try_open(&a, oid);
    cr_assert(rel);
    cr_assert_eq(rel->desc->natts, 2);
    cr_assert_str_eq(rel->desc->atts[1].name, "y");
    cr_assert_eq(relation_of(&b, NULL, "t"), 0);
    cr_assert_null(try_open(&b, oid));
    session_commit(&a);
    cr_assert_eq(relation_of(&b, NULL, "t"), oid);
    cr_assert(try_open(&b, oid));
}

Test(catalog, rollback_forgets)
{
    Oid oid = make_table(&a, "t", "x");
    cr_assert(try_open(&a, oid));
    session_rollback(&a);
    session_begin(&a);
    cr_assert_eq(relation_of(&a, NULL, "t"), 0);
    cr_assert_null(try_open(&a, oid));
}

static void rename_column(TestSession *s, Oid rel, const char *name)
{
    const void *form;
    Datum keys[2] = {datum_oid(rel), datum_i16(1)};
    OK(cat_get(&s->env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, &s->arena, &form, err));
    cr_assert(form);
    Form_pg_attribute f = *(const Form_pg_attribute *)form;
    f.attname = name;
    OK(cat_update(&s->env, REL_pg_attribute, &f, err));
}

Test(catalog, a_change_reaches_other_sessions_when_it_commits)
{
    Oid oid = make_table(&a, "t", "x");
    session_commit(&a);
    session_begin(&a);
    session_begin(&b);
    const Relation *before = try_open(&b, oid);
    uint64_t version = before->version, generation = catalog_generation(&b.env);
    cr_assert(catalog_version_ok(&b.env, oid, version));
    rename_column(&a, oid, "renamed");
    cr_assert_str_eq(try_open(&a, oid)->desc->atts[0].name, "renamed");
    cr_assert_str_eq(try_open(&b, oid)->desc->atts[0].name, "x");
    cr_assert(catalog_version_ok(&b.env, oid, version));
    session_commit(&a);
    cr_assert_neq(catalog_generation(&b.env), generation);
    cr_assert_not(catalog_version_ok(&b.env, oid, version));
    cr_assert_str_eq(try_open(&b, oid)->desc->atts[0].name, "renamed");
    cr_assert_str_eq(before->desc->atts[0].name, "x", "pinned until the statement ends");
}

Test(catalog, savepoint_rollback)
{
    int level;
    Oid oid = make_table(&a, "t", "x");
    OK(txn_savepoint(a.env.txn, &level, err));
    rename_column(&a, oid, "z");
    cr_assert_str_eq(try_open(&a, oid)->desc->atts[0].name, "z");
    OK(txn_rollback_to(a.env.txn, level, err));
    cr_assert_str_eq(try_open(&a, oid)->desc->atts[0].name, "x");
}

Test(catalog, duplicate_name)
{
    make_table(&a, "t", "x");
    Form_pg_class c;
    cat_class_defaults(&c);
    c.oid = 99999;
    c.relname = "t";
    c.relnamespace = 2200;
    c.relkind = 'r';
    FAILS(cat_insert(&a.env, REL_pg_class, &c, err), ERR_UNIQUE_VIOLATION);
}

Test(catalog, functions_operators_casts)
{
    const ProcInfo **procs;
    const OperatorInfo **ops;
    int n;
    OK(proc_candidates(&a.env, NULL, "abs", &a.arena, &procs, &n, err));
    cr_assert_eq(n, 6);
    OK(proc_candidates(&a.env, NULL, "no_such_function", &a.arena, &procs, &n, err));
    cr_assert_eq(n, 0);
    OK(operator_candidates(&a.env, NULL, "@", true, &a.arena, &ops, &n, err));
    cr_assert_eq(n, 6);
    cr_assert_eq(operator_btree_strategy(96), 3); /* int4 = */
    cr_assert_eq(operator_btree_strategy(521), 5); /* int4 > */
    cr_assert_eq(operator_btree_strategy(551), 0); /* int4 + */
    cr_assert_eq(type_equality_operator(&a.env, TYPE_int4), 96);
    cr_assert_eq(type_less_operator(&a.env, TYPE_text), 664);
    cr_assert_eq(type_less_operator(&a.env, TYPE_varchar), 664);
    cr_assert_eq(type_equality_operator(&a.env, TYPE__int4), 1070);
    cr_assert_eq(type_greater_operator(&a.env, TYPE_regclass), 610);
    cr_assert_eq(type_equality_operator(&a.env, TYPE_json), 0);
    const CastInfo *c = cast_find(&a.env, TYPE_int4, TYPE_int8);
    cr_assert(c && c->context == 'i' && c->method == 'f');
    cr_assert_null(cast_find(&a.env, TYPE_bool, TYPE_date));
    const AggregateInfo *sum = aggregate_by_proc(&a.env, 2108); /* sum(int4) */
    cr_assert(sum && sum->trans_type == TYPE_int8);
}

static const char *reg_text(Oid regtype, Oid oid)
{
    StrBuf sb;
    strbuf_init(&sb, &a.arena);
    OK(reg_output(&a.env, regtype, oid, &sb, err));
    return strbuf_cstr(&sb);
}

static Oid reg_oid(Oid regtype, const char *text)
{
    Oid oid = 0;
    OK(reg_input(&a.env, regtype, slice_cstr(text), &oid, err));
    return oid;
}

Test(catalog, reg_types)
{
    Oid t = make_table(&a, "Mixed Case", "x"), type;
    int32_t typmod;
    cr_assert_eq(reg_oid(TYPE_regclass, "pg_class"), 1259);
    cr_assert_eq(reg_oid(TYPE_regclass, "pg_catalog.pg_class"), 1259);
    cr_assert_eq(reg_oid(TYPE_regclass, "public.\"Mixed Case\""), t);
    cr_assert_str_eq(reg_text(TYPE_regclass, t), "\"Mixed Case\"");
    cr_assert_str_eq(reg_text(TYPE_regclass, 1259), "pg_class");
    cr_assert_str_eq(reg_text(TYPE_regclass, 424242), "424242");
    cr_assert_eq(reg_oid(TYPE_regtype, "character varying"), TYPE_varchar);
    cr_assert_eq(reg_oid(TYPE_regtype, "timestamp(3) with time zone"), TYPE_timestamptz);
    cr_assert_eq(reg_oid(TYPE_regtype, "int4[]"), TYPE__int4);
    cr_assert_eq(reg_oid(TYPE_regtype, "\"char\""), TYPE_char);
    cr_assert_str_eq(reg_text(TYPE_regtype, TYPE__int4), "integer[]");
    cr_assert_eq(reg_oid(TYPE_regproc, "now"), 1299);
    cr_assert_eq(reg_oid(TYPE_regprocedure, "abs(integer)"), 1397);
    cr_assert_str_eq(reg_text(TYPE_regprocedure, 1397), "abs(integer)");
    cr_assert_str_eq(reg_text(TYPE_regoperator, 96), "=(integer,integer)");
    cr_assert_eq(reg_oid(TYPE_regrole, "postgres"), 10);
    cr_assert_eq(reg_oid(TYPE_regnamespace, "public"), 2200);
    OK(parse_type_name(&a.env, "numeric(10,2)", false, &type, &typmod, err));
    cr_assert(type == TYPE_numeric && typmod == ((10 << 16) | 2) + 4);
    cr_assert_str_eq(format_type_text(&a.env, type, typmod, &a.arena), "numeric(10,2)");
    FAILS(reg_input(&a.env, TYPE_regclass, slice_cstr("nope"), &type, err), ERR_UNDEFINED_TABLE);
    FAILS(reg_input(&a.env, TYPE_regproc, slice_cstr("abs"), &type, err), ERR_AMBIGUOUS_FUNCTION);
}

static int count_rows(Oid rel, const VirtualKey *keys, int nkeys)
{
    const Relation *r = try_open(&a, rel);
    VirtualScan *scan;
    TupleSlot *slot = slot_new(&a.arena, r->desc);
    int n = 0;
    OK(virtual_scan_open(&a.env, r, NULL, keys, nkeys, &scan, err));
    for (;;) {
        OK(virtual_scan_next(scan, slot, err));
        if (slot->empty) break;
        n++;
    }
    virtual_scan_close(scan);
    return n;
}

Test(catalog, virtual_scans)
{
    int before = count_rows(REL_pg_class, NULL, 0);
    Oid t = make_table(&a, "t", "x y z");
    cr_assert_eq(count_rows(REL_pg_class, NULL, 0), before + 1);
    VirtualKey key = {ATT_pg_attribute_attrelid, datum_oid(t), false};
    cr_assert_eq(count_rows(REL_pg_attribute, &key, 1), 3);
    VirtualKey oid = {ATT_pg_class_oid, datum_oid(1259), false};
    cr_assert_eq(count_rows(REL_pg_class, &oid, 1), 1);
    VirtualKey name = {ATT_pg_class_relname, cat_name_key(&a.arena, "t"), false};
    cr_assert_eq(count_rows(REL_pg_class, &name, 1), 1);
    cr_assert_eq(count_rows(REL_pg_database, NULL, 0), 3);
    cr_assert_gt(count_rows(REL_pg_attribute, NULL, 0), 2000);
    cr_assert_gt(count_rows(REL_pg_proc, NULL, 0), 3000);
    cr_assert_gt(count_rows(12104, NULL, 0), 300); /* pg_settings */
    for (int i = 0; catform_at(i); i++) count_rows(catform_at(i)->relid, NULL, 0);
}

Test(catalog, drop_restrict_and_cascade)
{
    Oid t = make_table(&a, "t", "x y"), v = make_table(&a, "v", "x");
    ObjectAddress on = {REL_pg_class, t, 1}, view = {REL_pg_class, v, 0}, table = {REL_pg_class, t, 0};
    OK(depend_add(&a.env, view, on, DEPEND_NORMAL, err));
    Error e = ERROR_INIT;
    cr_assert(failed(drop_objects(&a.env, &table, 1, DROP_RESTRICT, &e)));
    cr_assert_eq((int)e.code, (int)ERR_DEPENDENT_OBJECTS_STILL_EXIST);
    cr_assert_str_eq(e.message, "cannot drop table t because other objects depend on it");
    cr_assert_str_eq(e.detail, "table v depends on table t");
    cr_assert_str_eq(e.hint, "Use DROP ... CASCADE to drop the dependent objects too.");
    error_clear(&e);
    OK(drop_objects(&a.env, &table, 1, DROP_CASCADE, err));
    cr_assert_eq(relation_of(&a, NULL, "t"), 0);
    cr_assert_eq(relation_of(&a, NULL, "v"), 0);
    Datum key = datum_oid(t);
    int n;
    OK(cat_delete(&a.env, REL_pg_attribute, IDX_attribute_relid_attnum, 1, &key, &n, err));
    cr_assert_eq(n, 0);
}

Test(catalog, drop_column)
{
    Oid t = make_table(&a, "t", "x y");
    ObjectAddress column = {REL_pg_class, t, 1}, builtin = {REL_pg_class, 1259, 0};
    OK(drop_objects(&a.env, &column, 1, DROP_RESTRICT, err));
    const Relation *rel = try_open(&a, t);
    cr_assert(rel->desc->atts[0].dropped);
    cr_assert_eq(relation_find_column(rel, "x"), 0);
    cr_assert_eq(relation_find_column(rel, "y"), 2);
    FAILS(drop_objects(&a.env, &builtin, 1, DROP_CASCADE, err), ERR_DEPENDENT_OBJECTS_STILL_EXIST);
}

Test(catalog, comments_and_temp_schema)
{
    Oid t = make_table(&a, "t", "x"), nsp;
    OK(cat_set_comment(&a.env, REL_pg_class, t, 0, "hello", err));
    cr_assert_str_eq(cat_comment(&a.env, REL_pg_class, t, 0, &a.arena), "hello");
    OK(cat_set_comment(&a.env, REL_pg_class, t, 0, NULL, err));
    cr_assert_null(cat_comment(&a.env, REL_pg_class, t, 0, &a.arena));
    cr_assert_str_eq(cat_comment(&a.env, REL_pg_namespace, 2200, 0, &a.arena), "standard public schema");
    OK(lookup_creation_namespace(&a.env, NULL, true, &nsp, err));
    cr_assert_eq(nsp, temp_namespace_of(&a.env));
    OK(lookup_creation_namespace(&a.env, NULL, false, &nsp, err));
    cr_assert_eq(nsp, 2200);
}

Test(catalog, privileges)
{
    const AclItem *items;
    Datum acl;
    int n;
    cr_assert_str_eq(acl_letters(ACL_SELECT | ACL_INSERT | ACL_GRANT(ACL_SELECT), true, &a.arena), "ar*");
    OK(acl_default(REL_pg_database, 0, 10, &a.arena, &acl, err));
    OK(acl_items(&a.env, &a.arena, acl, &items, &n, err));
    cr_assert_eq(n, 2);
    cr_assert(items[0].grantee == 0 && items[0].privs == (ACL_CREATE_TEMP | ACL_CONNECT));
    OK(acl_for_display(&a.env, &a.arena, acl, &acl, err));
    const char *const *texts;
    OK(cat_get_texts(&a.arena, acl, &texts, &n, err));
    cr_assert_str_eq(texts[1], "postgres=CTc/postgres");
    Oid t = make_table(&a, "t", "x");
    a.env.is_superuser = false;
    a.env.current_user = 6181; /* pg_read_all_data */
    cr_assert_eq(acl_relation(&a.env, t, 6181, ACL_SELECT | ACL_INSERT), ACL_SELECT);
    cr_assert_eq(acl_relation(&a.env, 1259, 4200, ACL_SELECT | ACL_INSERT), ACL_SELECT);
    FAILS(acl_check_relation(&a.env, t, ACL_INSERT, false, err), ERR_INSUFFICIENT_PRIVILEGE);
    FAILS(owner_check(&a.env, REL_pg_class, t, err), ERR_INSUFFICIENT_PRIVILEGE);
}

Test(catalog, temporary_objects_go_with_the_session)
{
    Oid nsp, t = make_table(&a, "t", "x");
    OK(ensure_temp_namespace(&a.env, &nsp, err));
    OK(depend_add(&a.env, (ObjectAddress){REL_pg_class, t, 0}, (ObjectAddress){REL_pg_namespace, nsp, 0}, DEPEND_NORMAL, err));
    OK(cat_drop_temp_objects(&a.env, err));
    cr_assert_null(try_open(&a, t));
    cr_assert_eq(temp_namespace_of(&a.env), nsp);
}

/* Everything that asks for memory may be refused: an error, never a crash, and the next attempt with more works. */
static STATUS use_catalog(Oid t, Error *err)
{
    const Relation *rel;
    const ProcInfo **procs;
    const char *text;
    int n, level;
    Oid oid;
    Arena arena;
    arena_init(&arena, &a.account, 0);
    Status st = txn_savepoint(a.env.txn, &level, err);
    if (!failed(st)) st = relation_open(&a.env, t, LOCK_ACCESS_SHARE, &rel, err);
    if (!failed(st)) st = lookup_relation(&a.env, NULL, NULL, "t", false, &oid, err);
    if (!failed(st)) st = proc_candidates(&a.env, NULL, "abs", &arena, &procs, &n, err);
    if (!failed(st)) st = deparse_indexdef(&a.env, 2662, 0, false, &arena, &text, err);
    if (!failed(st)) st = cat_set_comment(&a.env, REL_pg_class, t, 0, "x", err);
    if (!failed(st)) st = drop_objects(&a.env, &(ObjectAddress){REL_pg_class, t, 0}, 1, DROP_CASCADE, err);
    if (!failed(st)) st = txn_rollback_to(a.env.txn, level, err);
    arena_destroy(&arena);
    return st;
}

Test(catalog, lack_of_memory)
{
    Oid t = make_table(&a, "t", "x y z");
    int refused = 0;
    session_commit(&a);
    for (int64_t room = 256; room < 400000; room += room < 40000 ? 1024 : 16384) {
        Error e = ERROR_INIT;
        session_begin(&a);
        a.account.limit = a.account.used + room;
        Status st = use_catalog(t, &e);
        a.account.limit = 0;
        if (failed(st)) {
            cr_assert_eq((int)e.code, (int)ERR_OUT_OF_MEMORY, "%s", e.message);
            refused++;
        }
        error_clear(&e);
        session_rollback(&a);
        session_begin(&a);
        cr_assert(try_open(&a, t));
        session_rollback(&a);
    }
    cr_assert_gt(refused, 3);
    session_begin(&a);
    OK(use_catalog(t, err));
}
