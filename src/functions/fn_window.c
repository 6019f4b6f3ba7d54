/* Window functions, over the WindowApi that the executor provides. */
#include "functions/fn.h"
#include "functions/window.h"

typedef struct RankState { int64_t rank, group_start, last; } RankState; /* last: position + 1 of the row seen before */

static RankState *rank_state(CallFrame *cf, bool *new_group)
{
    WindowApi *w = cf->window;
    RankState *s = w->state;
    bool peer = false;
    *new_group = true;
    if (!s) {
        s = w->state = arena_zalloc(w->partition_arena, sizeof *s);
        if (!s) fn_oom(cf);
        return s;
    }
    if (failed(w->is_peer(w, w->current - 1, w->current, &peer, cf->err))) return NULL;
    *new_group = !peer;
    return s;
}

FN(window_row_number) { return datum_i64(cf->window->current + 1); }

FN(window_rank)
{
    bool fresh;
    RankState *s = rank_state(cf, &fresh);
    if (!s) return 0;
    if (fresh) s->rank = cf->window->current + 1;
    return datum_i64(s->rank);
}
FN(window_dense_rank)
{
    bool fresh;
    RankState *s = rank_state(cf, &fresh);
    if (!s) return 0;
    if (fresh) s->rank++;
    return datum_i64(s->rank);
}
FN(window_percent_rank)
{
    int64_t n;
    bool fresh;
    WindowApi *w = cf->window;
    FTRY(w->row_count(w, &n, cf->err));
    RankState *s = rank_state(cf, &fresh);
    if (!s) return 0;
    if (fresh) s->rank = w->current + 1;
    return datum_f8(n <= 1 ? 0 : (double)(s->rank - 1) / (double)(n - 1));
}
FN(window_cume_dist)
{
    int64_t n;
    bool fresh;
    WindowApi *w = cf->window;
    FTRY(w->row_count(w, &n, cf->err));
    RankState *s = rank_state(cf, &fresh);
    if (!s) return 0;
    if (fresh) { /* rank: last peer's number */
        s->rank = w->current + 1;
        for (int64_t pos = w->current + 1; pos < n; pos++, s->rank++) {
            bool peer;
            FTRY(w->is_peer(w, w->current, pos, &peer, cf->err));
            if (!peer) break;
        }
    }
    return datum_f8((double)s->rank / (double)n);
}

static bool int_arg(CallFrame *cf, int arg, int64_t *out, bool *null)
{
    Datum d;
    bool inside;
    if (failed(cf->window->arg_at(cf->window, arg, cf->window->current, &d, null, &inside, cf->err))) return false;
    *out = *null ? 0 : datum_get_i32(d);
    return true;
}

typedef struct NtileState { int64_t ntile, rows_per_bucket, boundary, remainder, row; } NtileState;
FN(window_ntile)
{
    WindowApi *w = cf->window;
    NtileState *s = w->state;
    if (!s) {
        int64_t buckets, n;
        bool null;
        if (!int_arg(cf, 0, &buckets, &null)) return 0;
        if (null) RETURN_NULL();
        if (buckets <= 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_NTILE, "argument of ntile must be greater than zero");
        FTRY(w->row_count(w, &n, cf->err));
        s = w->state = arena_zalloc(w->partition_arena, sizeof *s);
        FTRY_MEM(s);
        s->ntile = 1;
        s->boundary = n / buckets;
        s->remainder = n % buckets;
        if (s->boundary <= 0) {
            s->boundary = 1;
            s->remainder = 0;
        } else if (s->remainder) {
            s->boundary++;
        }
    }
    s->row++;
    if (s->boundary < s->row) { /* next bucket */
        if (s->remainder && s->ntile == s->remainder) {
            s->remainder = 0;
            s->boundary--;
        }
        s->ntile++;
        s->row = 1;
    }
    return datum_i32((int32_t)s->ntile);
}

static Datum copy_out(CallFrame *cf, Datum d, bool null)
{
    Datum out = 0;
    if (null) RETURN_NULL();
    const TypeInfo *t = fn_type(cf, cf->result_type ? cf->result_type : cf->arg_types[0]);
    if (!t) return 0;
    FTRY(datum_copy(cf->arena, d, t->byval, t->typlen, &out, cf->err));
    return out;
}

static Datum lead_lag(CallFrame *cf, int dir, bool with_offset, bool with_default)
{
    WindowApi *w = cf->window;
    int64_t offset = 1;
    bool null = false, inside;
    Datum d;
    if (with_offset && !int_arg(cf, 1, &offset, &null)) return 0;
    if (null) RETURN_NULL();
    FTRY(w->arg_at(w, 0, w->current + dir * offset, &d, &null, &inside, cf->err));
    if (!inside && with_default) FTRY(w->arg_at(w, 2, w->current, &d, &null, &inside, cf->err));
    return copy_out(cf, d, null);
}
FN(window_lag) { return lead_lag(cf, -1, false, false); }
FN(window_lag_with_offset) { return lead_lag(cf, -1, true, false); }
FN(window_lag_with_offset_and_default) { return lead_lag(cf, -1, true, true); }
FN(window_lead) { return lead_lag(cf, 1, false, false); }
FN(window_lead_with_offset) { return lead_lag(cf, 1, true, false); }
FN(window_lead_with_offset_and_default) { return lead_lag(cf, 1, true, true); }

static Datum in_frame(CallFrame *cf, int64_t k, bool from_end)
{
    WindowApi *w = cf->window;
    int64_t pos;
    Datum d;
    bool null, inside;
    FTRY(w->frame_row(w, k, from_end, &pos, cf->err));
    if (pos < 0) RETURN_NULL();
    FTRY(w->arg_at(w, 0, pos, &d, &null, &inside, cf->err));
    return copy_out(cf, d, null);
}
FN(window_first_value) { return in_frame(cf, 0, false); }
FN(window_last_value) { return in_frame(cf, 0, true); }
FN(window_nth_value)
{
    int64_t n;
    bool null;
    if (!int_arg(cf, 1, &n, &null)) return 0;
    if (null) RETURN_NULL();
    if (n <= 0) return CALL_ERROR(cf, ERR_INVALID_ARGUMENT_FOR_NTH_VALUE, "argument of nth_value must be greater than zero");
    return in_frame(cf, n - 1, false);
}
