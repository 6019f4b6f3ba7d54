/* Scan ranges as bytes. A bound is a prefix of the key columns; all keys that begin with its bytes belong to it. */
#include "storage/key_codec.h"
#include "storage/table_internal.h"

void key_successor(StrBuf *sb)
{
    while (sb->len && (uint8_t)sb->data[sb->len - 1] == 0xff) sb->len--;
    if (sb->len) sb->data[sb->len - 1] = (char)((uint8_t)sb->data[sb->len - 1] + 1);
}

static STATUS encode_bound(uint32_t storage_id, const KeyPart *key, const ScanBound *b, StrBuf *out, Error *err)
{
    strbuf_reset(out);
    storage_prefix(out, storage_id);
    if (b->n) TRY(key_encode(key, b->n, b->values, b->nulls, out, err));
    return strbuf_check(out, err);
}

/* Rows that are null in the last column of the longer bound go: they are a prefix at one end of that column's order. */
static STATUS cut_nulls(uint32_t storage_id, const KeyPart *key, const ScanRange *r, StrBuf *lower, StrBuf *upper, Error *err)
{
    const ScanBound *longer = r->high.n > r->low.n ? &r->high : &r->low;
    int n = longer->n;
    bool nulls[32] = {false};
    StrBuf edge;
    if (n < 1 || n > 32) return ST_OK;
    for (int i = 0; i < n - 1 && longer->nulls; i++) nulls[i] = longer->nulls[i];
    nulls[n - 1] = true;
    strbuf_init_heap(&edge, NULL);
    Status st = encode_bound(storage_id, key, &(ScanBound){.n = n, .values = longer->values, .nulls = nulls}, &edge, err);
    if (!failed(st) && key[n - 1].nulls_first) {
        key_successor(&edge);
        if (slice_compare(strbuf_slice(&edge), strbuf_slice(lower)) > 0) {
            strbuf_reset(lower);
            strbuf_append(lower, edge.data, edge.len);
        }
    } else if (!failed(st) && slice_compare(strbuf_slice(&edge), strbuf_slice(upper)) < 0) {
        strbuf_reset(upper);
        strbuf_append(upper, edge.data, edge.len);
    }
    strbuf_free(&edge);
    return failed(st) ? st : first_error(strbuf_check(lower, err), strbuf_check(upper, err));
}

STATUS range_encode(uint32_t storage_id, const KeyPart *key, int nkey, const ScanRange *r, StrBuf *lower, StrBuf *upper, Error *err)
{
    static const ScanRange all = {.low.inclusive = true, .high.inclusive = true};
    (void)nkey;
    if (!r) r = &all;
    TRY(encode_bound(storage_id, key, &r->low, lower, err));
    TRY(encode_bound(storage_id, key, &r->high, upper, err));
    if (r->low.n && !r->low.inclusive) key_successor(lower);
    if (!r->high.n || r->high.inclusive) key_successor(upper);
    return r->skip_nulls ? cut_nulls(storage_id, key, r, lower, upper, err) : ST_OK;
}
