/* Finding built-in rows by a column. */
#include <stdlib.h>
#include <string.h>

#include "catalog/cat_builtin_internal.h"
#include "common/thread.h"

enum { MAX_ORDERS = 64 };

/* Order arrays, made when a column is first searched by. Only hashes are compared, so one array serves any kind of column. */
typedef struct Order { Oid relid; int att, n; uint16_t *rows; uint32_t *hashes; } Order;
static Order orders[MAX_ORDERS];
static _Atomic int norders;
static Mutex orders_lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t hash_text(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 16777619u;
    return h;
}

static uint32_t field_hash(const CatForm *cf, const void *form, int att)
{
    const CatField *f = catform_fields(cf) + att - 1;
    const void *p = (const char *)form + f->offset;
    switch ((CatKind)f->kind) {
    case CATKIND_OID: return *(const Oid *)p;
    case CATKIND_CHAR: return (uint8_t)*(const char *)p;
    case CATKIND_INT2: return (uint32_t)*(const int16_t *)p;
    case CATKIND_INT4: return (uint32_t)*(const int32_t *)p;
    case CATKIND_NAME:
    case CATKIND_TEXT: return *(const char *const *)p ? hash_text(*(const char *const *)p, strlen(*(const char *const *)p)) : 0;
    default: return 0;
    }
}

static uint32_t key_hash(const CatForm *cf, int att, Datum key)
{
    const CatField *f = catform_fields(cf) + att - 1;
    switch ((CatKind)f->kind) {
    case CATKIND_OID: return datum_get_oid(key);
    case CATKIND_CHAR: return (uint8_t)key;
    case CATKIND_INT2: return (uint32_t)datum_get_i16(key);
    case CATKIND_INT4: return (uint32_t)datum_get_i32(key);
    case CATKIND_NAME:
    case CATKIND_TEXT: {
        Slice s = varlena_slice(key);
        return hash_text((const char *)s.data, s.len);
    }
    default: return 0;
    }
}

typedef struct HashRow { uint32_t hash; uint16_t row; } HashRow;

static int compare_hash_rows(const void *a, const void *b)
{
    const HashRow *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool make_order(const BuiltinTable *bt, const CatForm *cf, int att, Order *out)
{
    int n = bt->count();
    if (n > UINT16_MAX) return false;
    HashRow *tmp = malloc((size_t)n * sizeof *tmp);
    uint16_t *rows = malloc((size_t)n * sizeof *rows);
    uint32_t *hashes = malloc((size_t)n * sizeof *hashes);
    Arena arena;
    arena_init(&arena, NULL, 0);
    for (int i = 0; tmp && i < n; i++) {
        AnyForm form = {{0}};
        bt->fill(i, &arena, &form);
        tmp[i] = (HashRow){field_hash(cf, &form, att), (uint16_t)i};
        arena_reset(&arena);
    }
    arena_destroy(&arena);
    if (!tmp || !rows || !hashes) {
        free(tmp), free(rows), free(hashes);
        return false;
    }
    qsort(tmp, (size_t)n, sizeof *tmp, compare_hash_rows);
    for (int i = 0; i < n; i++) rows[i] = tmp[i].row, hashes[i] = tmp[i].hash;
    free(tmp);
    *out = (Order){bt->relid, att, n, rows, hashes};
    return true;
}

static const Order *known_order(Oid relid, int att)
{
    for (int i = 0, n = norders; i < n; i++)
        if (orders[i].relid == relid && orders[i].att == att) return &orders[i];
    return NULL;
}

static const Order *find_order(const BuiltinTable *bt, const CatForm *cf, int att)
{
    Order made;
    const Order *found = known_order(bt->relid, att);
    /* Made without the lock: filling rows may look up others. A second maker's array is thrown away. */
    if (found || !make_order(bt, cf, att, &made)) return found;
    mutex_lock(&orders_lock);
    found = known_order(bt->relid, att);
    if (found || norders == MAX_ORDERS) {
        free(made.rows), free(made.hashes);
    } else {
        orders[norders] = made;
        found = &orders[norders++];
    }
    mutex_unlock(&orders_lock);
    return found;
}

BuiltinRange builtin_all(const BuiltinTable *bt) { return (BuiltinRange){NULL, 0, bt->count()}; }

BuiltinRange builtin_lookup(const BuiltinTable *bt, int att, Datum key)
{
    const CatForm *cf = catform_find(bt->relid);
    CatKind kind = (CatKind)catform_fields(cf)[att - 1].kind;
    bool hashable = kind == CATKIND_OID || kind == CATKIND_NAME || kind == CATKIND_CHAR || kind == CATKIND_INT2;
    const Order *order = hashable && bt->count() > 16 ? find_order(bt, cf, att) : NULL;
    if (!order) return builtin_all(bt);
    uint32_t hash = key_hash(cf, att, key);
    int lo = 0, hi = order->n;
    while (lo < hi) { /* first row whose hash >= hash */
        int mid = (lo + hi) / 2;
        if (order->hashes[mid] < hash) lo = mid + 1;
        else hi = mid;
    }
    int end = lo;
    while (end < order->n && order->hashes[end] == hash) end++;
    return (BuiltinRange){order->rows, lo, end - lo};
}

bool builtin_form(Oid relid, int att, Oid key, Arena *arena, void *form)
{
    const BuiltinTable *bt = builtin_table(relid);
    if (!bt) return false;
    const CatForm *cf = catform_find(relid);
    BuiltinRange r = builtin_lookup(bt, att, datum_oid(key));
    for (int i = 0; i < r.n; i++) {
        memset(form, 0, cf->form_bytes);
        if (bt->fill(builtin_row(r, i), arena, form) && catform_field_equals(cf, form, att, datum_oid(key))) return true;
    }
    return false;
}

/* Names of functions: the order array of pg_proc.proname, without building forms. */
Oid builtin_proc_oid(const char *name)
{
    const CatForm *cf = catform_find(REL_pg_proc);
    const Order *order = find_order(&builtin_pg_proc, cf, ATT_pg_proc_proname);
    if (!order) return 0;
    uint32_t hash = hash_text(name, strlen(name));
    int lo = 0, hi = order->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (order->hashes[mid] < hash) lo = mid + 1;
        else hi = mid;
    }
    for (; lo < order->n && order->hashes[lo] == hash; lo++)
        if (!strcmp(builtin_proc_name(order->rows[lo]), name)) {
            BuiltinProc p;
            builtin_proc_get(order->rows[lo], &p);
            return p.oid;
        }
    return 0;
}
