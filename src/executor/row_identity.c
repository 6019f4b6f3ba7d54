/* Reading a row's identity: stamp(8) xmin(8) key length(4) key row. */
#include "executor/row_identity.h"

STATUS row_identity_read(Datum identity, const Relation *rel, RowCodec *codec, TupleSlot *slot, Error *err)
{
    Slice s = varlena_slice(identity);
    uint32_t nkey = 0;
    if (s.len >= 20) memcpy(&nkey, s.data + 16, 4);
    if (s.len < 20 || nkey > s.len - 20) return error_set(err, ERR_DATA_CORRUPTED, "a row identity is malformed");
    slot->table_oid = rel->oid;
    return row_attach(slot, codec, slice_of(s.data + 20, nkey), slice_of(s.data + 20 + nkey, s.len - 20 - nkey), err);
}
