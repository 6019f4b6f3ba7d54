/* Types: descriptors of user-defined ones, and what is asked of any type. A TypeInfo made here lives until the database is closed, since
 * relation descriptors point to it; a changed type gets a new one. */
#include "catalog/catalog_internal.h"
#include "catalog/name_lookup.h"
#include "catalog/reg_types.h"

/* ---- enums: an enum value is the OID of its pg_enum row ---- */
static STATUS enum_label(SessionEnv *env, Oid value, Arena *tmp, const char **label, Error *err)
{
    const void *form;
    TRY(cat_get_by_oid(env, REL_pg_enum, IDX_enum_oid, value, tmp, &form, err));
    if (!form) return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid internal value for enum: %u", value);
    *label = ((const Form_pg_enum *)form)->enumlabel;
    return ST_OK;
}

static STATUS enum_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod UNUSED, Datum *out, Error *err)
{
    Datum keys[2] = {datum_oid(type->oid), varlena_from_slice(io->arena, text)};
    const void *form;
    TRY_MEM(keys[1], err);
    TRY(cat_get(io->session, REL_pg_enum, IDX_enum_typid_label, 2, keys, io->arena, &form, err));
    if (!form) return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input value for enum %s: \"%.*s\"",
                                format_type_text(io->session, type->oid, -1, io->arena), (int)text.len, (const char *)text.data);
    *out = datum_oid(((const Form_pg_enum *)form)->oid);
    return ST_OK;
}

static STATUS enum_out(IoContext *io, const TypeInfo *type UNUSED, Datum value, StrBuf *out, Error *err)
{
    const char *label;
    TRY(enum_label(io->session, datum_get_oid(value), io->arena, &label, err));
    strbuf_str(out, label);
    return strbuf_check(out, err);
}

static STATUS enum_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    return enum_in(io, type, bytes, typmod, out, err);
}

static STATUS enum_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return enum_out(io, type, value, out, err);
}

static int enum_compare(const TypeInfo *type UNUSED, Datum a, Datum b)
{
    return datum_get_oid(a) < datum_get_oid(b) ? -1 : datum_get_oid(a) > datum_get_oid(b);
}

static uint64_t enum_hash(const TypeInfo *type UNUSED, Datum v) { return hash_u64(datum_get_oid(v)); }

/* ---- descriptors ---- */
static STATUS fill_array(SessionEnv *env, TypeInfo *t, Error *err)
{
    TRY(type_require(env, t->elem, &t->elem_info, err));
    if (!t->elem_info->compare) t->compare = NULL;
    if (!t->elem_info->hash) t->hash = NULL;
    t->key = t->elem_info->key == KEYENC_NONE ? KEYENC_NONE : KEYENC_ARRAY;
    t->typmod_in = t->elem_info->typmod_in;
    t->typmod_out = t->elem_info->typmod_out;
    return ST_OK;
}

static STATUS fill_type(SessionEnv *env, const Form_pg_type *f, TypeInfo *t, Arena *arena, Error *err)
{
    const TypeInfo *model = NULL;
    switch (f->typtype) {
    case 'd': TRY(type_require(env, f->typbasetype, &model, err)); break;
    case 'c': model = type_builtin(TYPE_record); break;
    case 'e': break;
    default: model = f->typelem ? type_builtin(TYPE__text) : type_builtin(TYPE_text); break;
    }
    if (model) *t = *model;
    else *t = (TypeInfo){.typlen = 4, .byval = true, .key = KEYENC_U32, .input = enum_in, .output = enum_out, .recv = enum_recv,
                         .send = enum_send, .compare = enum_compare, .hash = enum_hash};
    t->oid = f->oid;
    t->name = arena_strdup(arena, f->typname);
    TRY_MEM(t->name, err);
    t->pg_typlen = f->typlen;
    t->typtype = f->typtype;
    t->category = f->typcategory;
    t->preferred = f->typispreferred;
    t->delim = f->typdelim;
    t->array = f->typarray;
    t->collation = f->typcollation;
    t->relid = f->typrelid;
    t->base = f->typtype == 'd' ? f->typbasetype : 0;
    t->base_typmod = f->typtype == 'd' ? f->typtypmod : -1;
    if (f->typtype != 'd') t->elem = f->typelem;
    if (f->typtype == 'b' && f->typelem) return fill_array(env, t, err);
    return ST_OK;
}

static STATUS build_type(SessionEnv *env, Entry *e, Error *err)
{
    const void *form;
    TypeInfo *t;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = cat_get_by_oid(env, REL_pg_type, IDX_type_oid, (Oid)e->key, &tmp, &form, err);
    if (!failed(st) && form) {
        t = arena_zalloc(&e->arena, sizeof *t);
        st = t ? fill_type(env, form, t, &e->arena, err) : error_out_of_memory(err, sizeof *t);
        e->object = t;
        if (!failed(st)) cache_keep_forever(env->catalog, e);
    }
    arena_destroy(&tmp);
    return st;
}

static STATUS get_type(SessionEnv *env, Oid oid, const TypeInfo **out, Error *err)
{
    Entry *e;
    *out = type_builtin(oid);
    if (*out || !oid) return ST_OK;
    TRY(cache_get(env, ENTRY_TYPE, ENTRY_KEY(oid), oid < FIRST_NORMAL_OID, build_type, &e, err));
    *out = e->object;
    return ST_OK;
}

const TypeInfo *catalog_type(SessionEnv *env, Oid oid)
{
    const TypeInfo *t = NULL;
    return failed(get_type(env, oid, &t, NULL)) ? NULL : t;
}

STATUS type_require(SessionEnv *env, Oid oid, const TypeInfo **out, Error *err)
{
    TRY(get_type(env, oid, out, err));
    return *out ? ST_OK : error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for type %u", oid);
}

Oid type_array_of(SessionEnv *env, Oid elem)
{
    const TypeInfo *t = catalog_type(env, elem);
    return t ? t->array : 0;
}

Oid type_base_of(SessionEnv *env, Oid type, int32_t *typmod)
{
    for (int depth = 0; depth < 64; depth++) {
        const TypeInfo *t = catalog_type(env, type);
        if (!t || !t->base) break;
        if (typmod && *typmod < 0) *typmod = t->base_typmod;
        type = t->base;
    }
    return type;
}

TupleDesc *type_row_desc(SessionEnv *env, Oid composite, Arena *arena)
{
    const TypeInfo *t = catalog_type(env, type_base_of(env, composite, NULL));
    const Relation *rel;
    if (!t || !t->relid || failed(relation_try_open(env, t->relid, LOCK_NONE, &rel, NULL)) || !rel) return NULL;
    TupleDesc *desc = tupledesc_copy(arena, rel->desc);
    if (desc) desc->row_type = composite;
    return desc;
}

static const TypeInfo *resolve_hook(void *session, Oid oid) { return catalog_type(session, oid); }
static STATUS reg_in_hook(void *session, Oid regtype, Slice text, Oid *out, Error *err) { return reg_input(session, regtype, text, out, err); }
static STATUS reg_out_hook(void *session, Oid regtype, Oid value, StrBuf *out, Error *err) { return reg_output(session, regtype, value, out, err); }

const TypeHooks catalog_type_hooks = {.resolve = resolve_hook, .reg_in = reg_in_hook, .reg_out = reg_out_hook};
