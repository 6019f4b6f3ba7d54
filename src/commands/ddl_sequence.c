/* CREATE and ALTER SEQUENCE, and the sequences behind serial and identity columns. */
#include <stdlib.h>
#include <errno.h>
#include <inttypes.h>

#include "commands/ddl_internal.h"

typedef struct SeqOptions {
    Form_pg_sequence form;
    bool as_given, start_given, min_given, max_given, restart, restart_value_given;
    int64_t restart_value;
    const List *owned_by;
} SeqOptions;

static STATUS option_int(const DefElem *item, int64_t *out, Error *err)
{
    const char *s = def_string(item);
    char *end;
    if (!s) return error_set(err, ERR_SYNTAX_ERROR, "%s requires a numeric value", item->defname);
    errno = 0;
    *out = strtoll(s, &end, 10);
    if (errno == ERANGE) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value \"%s\" is out of range for type bigint", s);
    if (*end) return error_set(err, ERR_SYNTAX_ERROR, "%s requires an integer value", item->defname);
    return ST_OK;
}

static void type_range(Oid type, int64_t *min, int64_t *max)
{
    *max = type == TYPE_int2 ? INT16_MAX : type == TYPE_int4 ? INT32_MAX : INT64_MAX;
    *min = type == TYPE_int2 ? INT16_MIN : type == TYPE_int4 ? INT32_MIN : INT64_MIN;
}

static STATUS option_type(SessionEnv *env, const DefElem *item, bool for_identity, Oid *out, Error *err)
{
    int32_t typmod;
    TRY(resolve_type_name(env, (const TypeName *)item->arg, false, out, &typmod, err));
    if (*out == TYPE_int2 || *out == TYPE_int4 || *out == TYPE_int8) return ST_OK;
    return error_set(err, ERR_INVALID_PARAMETER_VALUE, "%s type must be smallint, integer, or bigint", for_identity ? "identity column" : "sequence");
}

static STATUS read_option(SessionEnv *env, const DefElem *item, SeqOptions *o, bool for_identity, Error *err)
{
    const char *n = item->defname;
    if (!strcmp(n, "as")) {
        o->as_given = true;
        return option_type(env, item, for_identity, &o->form.seqtypid, err);
    }
    if (!strcmp(n, "increment")) {
        TRY(option_int(item, &o->form.seqincrement, err));
        return o->form.seqincrement ? ST_OK : error_set(err, ERR_INVALID_PARAMETER_VALUE, "INCREMENT must not be zero");
    }
    if (!strcmp(n, "start")) {
        o->start_given = true;
        return option_int(item, &o->form.seqstart, err);
    }
    if (!strcmp(n, "restart")) {
        o->restart = true;
        o->restart_value_given = item->arg != NULL;
        return item->arg ? option_int(item, &o->restart_value, err) : ST_OK;
    }
    if (!strcmp(n, "minvalue")) {
        o->min_given = item->arg != NULL;
        if (!item->arg) o->form.seqmin = 0;
        return item->arg ? option_int(item, &o->form.seqmin, err) : ST_OK;
    }
    if (!strcmp(n, "maxvalue")) {
        o->max_given = item->arg != NULL;
        if (!item->arg) o->form.seqmax = 0;
        return item->arg ? option_int(item, &o->form.seqmax, err) : ST_OK;
    }
    if (!strcmp(n, "cache")) {
        TRY(option_int(item, &o->form.seqcache, err));
        if (o->form.seqcache > 0) return ST_OK;
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "CACHE (%" PRId64 ") must be greater than zero", o->form.seqcache);
    }
    if (!strcmp(n, "cycle")) return def_bool(item, &o->form.seqcycle, err);
    if (!strcmp(n, "owned_by")) {
        o->owned_by = (const List *)item->arg;
        return ST_OK;
    }
    if (!strcmp(n, "sequence_name") || !strcmp(n, "logged")) return ST_OK;
    return error_set(err, ERR_SYNTAX_ERROR, "unrecognized sequence option \"%s\"", n);
}

static STATUS read_options(SessionEnv *env, const List *options, SeqOptions *o, bool for_identity, Error *err)
{
    LIST_EACH(DefElem *, item, options) {
        for (int j = 0; j < item_i; j++)
            if (!strcmp(((DefElem *)list_at(options, j))->defname, item->defname))
                return error_set(err, ERR_SYNTAX_ERROR, "conflicting or redundant options");
        TRY(read_option(env, item, o, for_identity, err));
    }
    return ST_OK;
}

/* Bounds that were not given follow from type and direction; then everything must fit together. */
static STATUS complete_options(SeqOptions *o, bool min_default, bool max_default, bool start_default, Error *err)
{
    Form_pg_sequence *f = &o->form;
    int64_t lo, hi;
    const char *type = f->seqtypid == TYPE_int2 ? "smallint" : f->seqtypid == TYPE_int4 ? "integer" : "bigint";
    type_range(f->seqtypid, &lo, &hi);
    if (max_default) f->seqmax = f->seqincrement > 0 ? hi : -1;
    if (min_default) f->seqmin = f->seqincrement > 0 ? 1 : lo;
    if (f->seqmax < lo || f->seqmax > hi)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "MAXVALUE (%" PRId64 ") is out of range for sequence data type %s", f->seqmax, type);
    if (f->seqmin < lo || f->seqmin > hi)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") is out of range for sequence data type %s", f->seqmin, type);
    if (f->seqmin >= f->seqmax)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "MINVALUE (%" PRId64 ") must be less than MAXVALUE (%" PRId64 ")", f->seqmin, f->seqmax);
    if (start_default) f->seqstart = f->seqincrement > 0 ? f->seqmin : f->seqmax;
    if (f->seqstart < f->seqmin)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "START value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")", f->seqstart, f->seqmin);
    if (f->seqstart > f->seqmax)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "START value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")", f->seqstart, f->seqmax);
    return ST_OK;
}

static STATUS check_restart(const SeqOptions *o, int64_t value, Error *err)
{
    if (value < o->form.seqmin)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "RESTART value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")", value, o->form.seqmin);
    if (value > o->form.seqmax)
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "RESTART value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")", value, o->form.seqmax);
    return ST_OK;
}

/* ---- ownership ---- */
STATUS ddl_own_sequence(SessionEnv *env, Oid sequence, Oid table, int attnum, DependType type, Error *err)
{
    return depend_add(env, address(REL_pg_class, sequence, 0), address(REL_pg_class, table, attnum), type, err);
}

/* Forgets the column that owns the sequence. An identity's sequence cannot leave it (0A000). */
static STATUS disown(SessionEnv *env, const Relation *seq, Arena *arena, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum keys[2] = {datum_oid(REL_pg_class), datum_oid(seq->oid)};
    Status st = cat_scan_open(env, REL_pg_depend, IDX_depend_depender, 2, keys, arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        const Form_pg_depend *d = form;
        if (d->refclassid != REL_pg_class || d->refobjsubid == 0) continue;
        if (d->deptype == 'i') {
            error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence");
            st = error_detail(err, "Sequence \"%s\" is linked to table \"%s\".", seq->name, relation_name_of(env, d->refobjid, arena));
        } else if (d->deptype == 'a') {
            st = cat_scan_delete(scan, err);
        }
    }
    cat_scan_close(scan);
    return st;
}

static STATUS set_owned_by(SessionEnv *env, const Relation *seq, const List *owned_by, Arena *arena, Error *err)
{
    int n = list_len(owned_by);
    const Relation *table;
    if (n == 1 && !strcmp(((String *)list_first(owned_by))->sval, "none")) return disown(env, seq, arena, err);
    if (n < 2) {
        error_set(err, ERR_SYNTAX_ERROR, "invalid OWNED BY option");
        return error_hint(err, "Specify OWNED BY table.column or OWNED BY NONE.");
    }
    RangeVar rv = {.tag = T_RangeVar, .relname = ((String *)list_at(owned_by, n - 2))->sval, .inh = true, .relpersistence = 'p'};
    if (n > 2) rv.schemaname = ((String *)list_at(owned_by, n - 3))->sval;
    TRY(rangevar_relation(env, &rv, LOCK_ACCESS_SHARE, false, &table, err));
    if (table->relkind != RELKIND_TABLE && table->relkind != RELKIND_VIEW) {
        error_set(err, ERR_WRONG_OBJECT_TYPE, "sequence cannot be owned by relation \"%s\"", table->name);
        return error_detail(err, "This operation is not supported for %s.", relkind_words(table->relkind));
    }
    if (table->owner != seq->owner) return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must have same owner as table it is linked to");
    if (table->namespace_oid != seq->namespace_oid)
        return error_set(err, ERR_OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must be in same schema as table it is linked to");
    const char *column = ((String *)list_last(owned_by))->sval;
    int attnum = relation_find_column(table, column);
    if (attnum <= 0) return error_set(err, ERR_UNDEFINED_COLUMN, "column \"%s\" of relation \"%s\" does not exist", column, table->name);
    TRY(disown(env, seq, arena, err));
    return ddl_own_sequence(env, seq->oid, table->oid, attnum, DEPEND_AUTO, err);
}

/* ---- creating ---- */
STATUS ddl_create_sequence(SessionEnv *env, const char *name, Oid nsp, char persistence, Oid owner, const List *options, Oid type, bool for_identity,
                           Arena *arena, Oid *out, Error *err)
{
    SeqOptions o = {.form = {.seqtypid = type, .seqincrement = 1, .seqcache = 1}};
    NewColumn cols[3] = {{.name = "last_value", .type = TYPE_int8, .typmod = -1, .not_null = true},
                         {.name = "log_cnt", .type = TYPE_int8, .typmod = -1, .not_null = true},
                         {.name = "is_called", .type = TYPE_bool, .typmod = -1, .not_null = true}};
    NewRelation def = {.name = name, .namespace_oid = nsp, .owner = owner, .relkind = RELKIND_SEQUENCE, .persistence = persistence, .ncols = 3, .cols = cols};
    const Relation *seq;
    TRY(read_options(env, options, &o, for_identity, err));
    TRY(complete_options(&o, !o.min_given, !o.max_given, !o.start_given, err));
    if (o.restart_value_given) TRY(check_restart(&o, o.restart_value, err));
    TRY(ddl_create_relation(env, &def, arena, out, err));
    o.form.seqrelid = *out;
    TRY(cat_insert(env, REL_pg_sequence, &o.form, err));
    TRY(relation_open(env, *out, LOCK_NONE, &seq, err));
    TRY(sequence_create(env->txn, &seq->sequence, o.restart_value_given ? o.restart_value : o.form.seqstart, false, err));
    return o.owned_by ? set_owned_by(env, seq, o.owned_by, arena, err) : ST_OK;
}

STATUS cmd_CreateSeqStmt(CommandCall *call, CreateSeqStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const RangeVar *rv = stmt->sequence;
    Oid nsp, oid;
    TRY(ddl_creation_namespace(env, rv->catalogname, rv->schemaname, rv->relpersistence == 't', &nsp, err));
    if (stmt->if_not_exists && lookup_relname_in(env, rv->relname, nsp)) {
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_TABLE, NULL, NULL, "relation \"%s\" already exists, skipping", rv->relname);
        return ST_OK;
    }
    char persistence = nsp == temp_namespace_of(env) ? 't' : rv->relpersistence ? rv->relpersistence : 'p';
    return ddl_create_sequence(env, rv->relname, nsp, persistence, env->current_user, stmt->options, TYPE_int8, stmt->for_identity, call->arena, &oid, err);
}

static const List *without_name(const List *options, const char **name, const char **schema, Arena *arena)
{
    List *rest = NULL;
    LIST_EACH(DefElem *, item, options) {
        if (strcmp(item->defname, "sequence_name")) rest = list_append(rest, arena, item);
        else if (item->arg) (void)!failed(ddl_split_name(item->arg, schema, name, NULL));
    }
    return rest;
}

STATUS ddl_column_sequence(SessionEnv *env, Oid nsp, char persistence, Oid owner, const char *table, NewColumn *col, Arena *arena, Oid *sequence, Error *err)
{
    const char *name = NULL, *schema = NULL;
    const List *options = without_name(col->identity_options, &name, &schema, arena);
    if (schema) TRY(lookup_namespace(env, schema, false, &nsp, err));
    if (!name) TRY(ddl_choose_relation_name(env, table, col->name, "seq", nsp, false, arena, &name, err));
    TRY(ddl_create_sequence(env, name, nsp, persistence, owner, options, col->type, col->identity != 0, arena, sequence, err));
    return col->serial_type ? ddl_nextval_expr(env, *sequence, arena, &col->cooked_default, err) : ST_OK;
}

/* ---- changing ---- */
static STATUS replace_state(SessionEnv *env, Oid sequence, int64_t value, bool called, Arena *arena, Error *err)
{
    Form_pg_class cls;
    const Relation *seq;
    TRY(ddl_class(env, sequence, arena, &cls, err));
    TRY(cat_drop_storage(env, &cls, err));
    TRY(cat_new_storage_id(env, &cls.relfilenode, err));
    TRY(cat_update(env, REL_pg_class, &cls, err));
    TRY(relation_open(env, sequence, LOCK_NONE, &seq, err));
    return sequence_create(env->txn, &seq->sequence, value, called, err);
}

STATUS ddl_restart_sequence(SessionEnv *env, Oid sequence, Arena *arena, Error *err)
{
    const Relation *seq;
    TRY(relation_open(env, sequence, LOCK_SHARE_ROW_EXCLUSIVE, &seq, err));
    return replace_state(env, sequence, seq->sequence.start, false, arena, err);
}

/* Bounds that were the old type's own limits follow the new type. */
static void follow_type(SeqOptions *o, const Form_pg_sequence *old)
{
    int64_t lo, hi;
    type_range(old->seqtypid, &lo, &hi);
    int64_t new_lo, new_hi;
    type_range(o->form.seqtypid, &new_lo, &new_hi);
    if (!o->max_given && old->seqmax == hi) o->form.seqmax = new_hi;
    if (!o->min_given && old->seqmin == lo) o->form.seqmin = new_lo;
}

static STATUS mentions(const List *options, const char *name, bool *out)
{
    *out = false;
    LIST_EACH(DefElem *, item, options) *out = *out || !strcmp(item->defname, name);
    return ST_OK;
}

STATUS ddl_alter_sequence(SessionEnv *env, const Relation *seq, const List *options, Arena *arena, Error *err)
{
    const void *form;
    bool named_min, named_max, called;
    int64_t last, log_cnt;
    TRY(cat_get_by_oid(env, REL_pg_sequence, IDX_sequence_seqrelid, seq->oid, arena, &form, err));
    if (!form) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for sequence %u", seq->oid);
    const Form_pg_sequence *old = form;
    SeqOptions o = {.form = *old};
    TRY(read_options(env, options, &o, false, err));
    TRY(mentions(options, "minvalue", &named_min));
    TRY(mentions(options, "maxvalue", &named_max));
    if (o.as_given) follow_type(&o, old);
    TRY(complete_options(&o, named_min && !o.min_given, named_max && !o.max_given, false, err));
    TRY(sequence_read(env->txn, &seq->sequence, &last, &called, &log_cnt, err));
    if (o.restart) {
        last = o.restart_value_given ? o.restart_value : o.form.seqstart;
        called = false;
        TRY(check_restart(&o, last, err));
    } else if (last < o.form.seqmin || last > o.form.seqmax) {
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "RESTART value (%" PRId64 ") cannot be %s than %s (%" PRId64 ")", last,
                         last < o.form.seqmin ? "less" : "greater", last < o.form.seqmin ? "MINVALUE" : "MAXVALUE",
                         last < o.form.seqmin ? o.form.seqmin : o.form.seqmax);
    }
    bool changed = memcmp(&o.form, old, sizeof *old) != 0 || o.restart;
    if (changed) {
        TRY(cat_update(env, REL_pg_sequence, &o.form, err));
        TRY(replace_state(env, seq->oid, last, called, arena, err));
    }
    return o.owned_by ? set_owned_by(env, seq, o.owned_by, arena, err) : ST_OK;
}

STATUS cmd_AlterSeqStmt(CommandCall *call, AlterSeqStmt *stmt, Error *err)
{
    const Relation *seq;
    TRY(ddl_open_owned(call->env, stmt->sequence, LOCK_SHARE_ROW_EXCLUSIVE, "S", "a sequence", stmt->missing_ok, &seq, err));
    if (!seq) {
        session_notice(call->env, SEV_NOTICE, 0, NULL, NULL, "relation \"%s\" does not exist, skipping", stmt->sequence->relname);
        return ST_OK;
    }
    return ddl_alter_sequence(call->env, seq, stmt->options, call->arena, err);
}
