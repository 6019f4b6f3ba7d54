/* Kv: reads, cursors, snapshots, table files, space. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/log.h"
#include "storage_test.h"

static char dir[64];
static KvEnv *env;
static Kv *kv;

static void setup(void)
{
    char path[100];
    test_dir_make(dir);
    log_configure(LOG_TEXT, SEV_PANIC);
    snprintf(path, sizeof path, "%s/spare", dir);
    OK(kv_env_open(&(KvEnvOptions){.block_cache_bytes = 4 << 20, .memtable_bytes = 2 << 20, .preallocate_log = true, .spare_dir = path,
                                   .fault_spec = ""}, &env, err));
    snprintf(path, sizeof path, "%s/db", dir);
    OK(kv_open(env, path, KV_DURABLE, true, &kv, err));
}

static void teardown(void)
{
    OK(kv_close(kv, err));
    kv_env_close(env);
    test_dir_remove(dir);
}

TestSuite(kv, .init = setup, .fini = teardown);

static Slice key_of(char buf[16], int i)
{
    snprintf(buf, 16, "k%08d", i);
    return slice_cstr(buf);
}

static void put(int from, int to, const char *value)
{
    char k[16];
    KvBatch *b = kv_batch_new();
    for (int i = from; i < to; i++) kv_batch_put(b, key_of(k, i), slice_cstr(value));
    cr_assert_eq(kv_batch_count(b), to - from);
    OK(kv_write(kv, b, true, err));
    kv_batch_free(b);
}

static int count(const KvSnapshot *at, Slice low, Slice high)
{
    KvCursor *c;
    int n = 0;
    OK(kv_cursor_open(kv, at, low, high, true, &c, err));
    for (kv_cursor_seek(c, slice_of(NULL, 0)); kv_cursor_valid(c); kv_cursor_next(c)) n++;
    OK(kv_cursor_error(c, err));
    kv_cursor_close(c);
    return n;
}

static const Slice all = {NULL, 0};

Test(kv, get_and_snapshot)
{
    char k[16];
    KvValue v;
    bool found;
    put(0, 10, "one");
    KvSnapshot *s = kv_snapshot(kv);
    cr_assert_eq(kv_snapshot_sequence(s), kv_latest_sequence(kv));
    put(5, 15, "two");
    OK(kv_get(kv, NULL, key_of(k, 7), &v, &found, err));
    cr_assert(found && slice_equal(v.bytes, slice_cstr("two")));
    kv_value_release(&v);
    OK(kv_get(kv, s, key_of(k, 7), &v, &found, err));
    cr_assert(found && slice_equal(v.bytes, slice_cstr("one")));
    kv_value_release(&v);
    OK(kv_get(kv, s, key_of(k, 12), &v, &found, err));
    cr_assert_not(found);
    cr_assert_eq(count(s, all, all), 10);
    cr_assert_eq(count(NULL, all, all), 15);
    kv_snapshot_release(kv, s);
}

Test(kv, multi_get_over_memory_and_files)
{
    static char k[300][16];
    static Slice keys[300];
    static KvValue v[300];
    static bool found[300];
    put(0, 100, "a");
    OK(kv_flush(kv, err));
    put(100, 200, "b");
    for (int i = 0; i < 300; i++) keys[i] = key_of(k[i], i);
    OK(kv_multi_get(kv, NULL, keys, 300, v, found, err));
    for (int i = 0; i < 300; i++) {
        cr_assert_eq(found[i], i < 200);
        if (found[i]) cr_assert_eq(v[i].bytes.data[0], i < 100 ? 'a' : 'b');
        kv_value_release(&v[i]);
    }
}

Test(kv, cursor_bounds_and_directions)
{
    char a[16], b[16];
    KvCursor *c;
    put(0, 100, "v");
    cr_assert_eq(count(NULL, key_of(a, 10), key_of(b, 20)), 10);
    OK(kv_cursor_open(kv, NULL, key_of(a, 10), key_of(b, 20), true, &c, err));
    kv_cursor_seek_back(c, slice_of(NULL, 0));
    cr_assert(slice_equal(kv_cursor_key(c), key_of(a, 19)));
    kv_cursor_seek_back(c, key_of(a, 15));
    cr_assert(slice_equal(kv_cursor_key(c), key_of(a, 15)));
    for (int i = 15; i >= 10; i--) kv_cursor_prev(c);
    cr_assert_not(kv_cursor_valid(c));
    kv_cursor_close(c);
}

static int batch_rows(KvCursor *c, bool backward, size_t bytes, int max)
{
    uint8_t *buf = malloc(bytes);
    int rows, total = 0;
    size_t used;
    for (;;) {
        OK(kv_cursor_batch(c, backward, buf, bytes, max, &rows, &used, err));
        if (rows == 0) break;
        cr_assert_leq(rows, max);
        cr_assert_leq(used, bytes);
        total += rows;
    }
    cr_assert_eq(used, 0);
    free(buf);
    return total;
}

Test(kv, cursor_batches)
{
    KvCursor *c;
    uint8_t small[8];
    int rows;
    size_t used;
    put(0, 1000, "value");
    OK(kv_cursor_open(kv, NULL, all, all, true, &c, err));
    kv_cursor_seek(c, all);
    cr_assert_eq(batch_rows(c, false, 500, 64), 1000);
    kv_cursor_seek_back(c, all);
    cr_assert_eq(batch_rows(c, true, 4096, 7), 1000);
    kv_cursor_seek(c, all);
    OK(kv_cursor_batch(c, false, small, sizeof small, 10, &rows, &used, err));
    cr_assert_eq(rows, 0);
    cr_assert_eq(used, 8 + 9 + 5);
    kv_cursor_close(c);
}

Test(kv, cursor_counts_deletions)
{
    char a[16];
    KvCursor *c;
    put(0, 1000, "v");
    KvBatch *b = kv_batch_new();
    for (int i = 0; i < 900; i++) kv_batch_delete(b, key_of(a, i));
    OK(kv_write(kv, b, false, err));
    kv_batch_free(b);
    OK(kv_cursor_open(kv, NULL, all, all, true, &c, err));
    kv_cursor_seek(c, all);
    cr_assert(slice_equal(kv_cursor_key(c), key_of(a, 900)));
    cr_assert_geq(kv_cursor_skipped(c), 900);
    kv_cursor_close(c);
}

Test(kv, ingest_is_atomic_and_invisible_to_older_snapshots)
{
    char path[3][100], k[16];
    const char *paths[3];
    uint64_t entries;
    put(0, 10, "old");
    KvSnapshot *s = kv_snapshot(kv);
    for (int f = 0; f < 3; f++) {
        KvFile *file;
        snprintf(path[f], sizeof path[f], "%s/f%d.sst", dir, f);
        paths[f] = path[f];
        OK(kv_file_create(kv, path[f], &file, err));
        for (int i = 0; i < 1000; i++) OK(kv_file_put(file, key_of(k, 5 + f * 1000 + i), slice_cstr("new"), err));
        OK(kv_file_finish(file, &entries, err));
        cr_assert_eq(entries, 1000);
    }
    OK(kv_sync_log(kv, err));
    OK(kv_ingest(kv, paths, 3, err));
    cr_assert_eq(access(path[0], F_OK), -1, "the file is moved");
    cr_assert_eq(count(s, all, all), 10);
    cr_assert_eq(count(NULL, all, all), 3005);
    kv_snapshot_release(kv, s);
}

Test(kv, empty_file_is_no_file)
{
    char path[100];
    KvFile *file;
    uint64_t entries;
    snprintf(path, sizeof path, "%s/empty.sst", dir);
    OK(kv_file_create(kv, path, &file, err));
    OK(kv_file_finish(file, &entries, err));
    cr_assert_eq(entries, 0);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(kv, drop_range_small_and_large)
{
    char a[16], b[16];
    static char big[2000];
    memset(big, 'x', sizeof big - 1);
    for (int i = 0; i < sizeof big - 1; i++) big[i] = (char)('a' + rand() % 26);
    put(0, 100, "v");
    OK(kv_drop_range(kv, key_of(a, 10), key_of(b, 90), err));
    cr_assert_eq(count(NULL, all, all), 20);
    for (int i = 0; i < 40; i++) put(1000 + i * 100, 1100 + i * 100, big);
    OK(kv_flush(kv, err));
    cr_assert_gt(kv_range_bytes(kv, key_of(a, 1000), key_of(b, 9000)), 2 << 20);
    OK(kv_drop_range(kv, key_of(a, 1000), key_of(b, 9000), err));
    cr_assert_eq(count(NULL, all, all), 20);
    cr_assert_lt(kv_range_bytes(kv, key_of(a, 1000), key_of(b, 9000)), 1 << 20);
}

Test(kv, batch_data_round_trip)
{
    KvBatch *b = kv_batch_new();
    kv_batch_put(b, slice_cstr("x"), slice_cstr("1"));
    kv_batch_delete(b, slice_cstr("y"));
    KvBatch *c = kv_batch_from_data(kv_batch_data(b));
    cr_assert_eq(kv_batch_count(c), 2);
    OK(kv_write(kv, c, true, err));
    cr_assert_eq(count(NULL, all, all), 1);
    kv_batch_free(b);
    kv_batch_free(c);
}

Test(kv, checkpoint_is_a_copy)
{
    char path[100];
    Kv *copy;
    put(0, 50, "v");
    OK(kv_flush(kv, err));
    put(50, 70, "v");
    snprintf(path, sizeof path, "%s/copy", dir);
    OK(kv_checkpoint(kv, path, err));
    put(70, 90, "v");
    OK(kv_open(env, path, KV_DURABLE, false, &copy, err));
    Kv *original = kv;
    kv = copy;
    cr_assert_eq(count(NULL, all, all), 70);
    kv = original;
    OK(kv_close(copy, err));
}

Test(kv, scratch_is_emptied)
{
    char path[100];
    Kv *s, *durable = kv;
    snprintf(path, sizeof path, "%s/scratch", dir);
    OK(kv_open(env, path, KV_SCRATCH, true, &s, err));
    kv = s;
    put(0, 100, "v");
    OK(kv_flush(kv, err));
    cr_assert_eq(count(NULL, all, all), 100);
    OK(kv_close(s, err));
    OK(kv_open(env, path, KV_SCRATCH, true, &kv, err));
    cr_assert_eq(count(NULL, all, all), 0);
    OK(kv_close(kv, err));
    kv = durable;
}

/* ---- Files that cannot be read. */

static void reopen(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/db", dir);
    OK(kv_close(kv, err));
    OK(kv_open(env, path, KV_DURABLE, false, &kv, err));
}

/* Flips a bit in every 512 bytes of the first half of each table file: index and filter stay whole. */
static void damage_tables(void)
{
    char path[100], file[400];
    snprintf(path, sizeof path, "%s/db", dir);
    DIR *d = opendir(path);
    for (struct dirent *e; (e = readdir(d));) {
        struct stat sb;
        uint8_t byte;
        if (!strstr(e->d_name, ".sst")) continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        int fd = open(file, O_RDWR);
        cr_assert_eq(fstat(fd, &sb), 0);
        for (off_t at = 100; at < sb.st_size / 2; at += 512) {
            cr_assert_eq(pread(fd, &byte, 1, at), 1);
            byte ^= 4;
            cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
    }
    closedir(d);
}

Test(kv, damaged_table_is_reported)
{
    char k[16];
    KvValue v;
    bool found;
    static char value[300];
    for (size_t i = 0; i < sizeof value - 1; i++) value[i] = (char)('a' + rand() % 26);
    put(0, 3000, value);
    OK(kv_flush(kv, err));
    OK(kv_close(kv, err));
    damage_tables();
    snprintf(value, sizeof value, "%s/db", dir);
    OK(kv_open(env, value, KV_DURABLE, false, &kv, err));
    FAILS(kv_get(kv, NULL, key_of(k, 5), &v, &found, err), ERR_DATA_CORRUPTED);
    KvCursor *c;
    OK(kv_cursor_open(kv, NULL, all, all, true, &c, err));
    kv_cursor_seek(c, all);
    cr_assert_not(kv_cursor_valid(c));
    FAILS(kv_cursor_error(c, err), ERR_DATA_CORRUPTED);
    kv_cursor_close(c);
    OK(kv_get(kv, NULL, key_of(k, 2990), &v, &found, err)); /* what is whole can still be read */
    cr_assert(found);
    kv_value_release(&v);
}

Test(kv, failed_read_is_an_error_of_one_statement)
{
    char k[16];
    KvValue v;
    bool found;
    put(0, 1000, "v");
    OK(kv_flush(kv, err));
    reopen();
    OK(kv_get(kv, NULL, key_of(k, 999), &v, &found, err)); /* opens the table */
    kv_value_release(&v);
    cr_assert(kv_env_faults(env, "read@1=eio;only=.sst"));
    FAILS(kv_get(kv, NULL, key_of(k, 5), &v, &found, err), ERR_IO_ERROR);
    OK(kv_get(kv, NULL, key_of(k, 5), &v, &found, err));
    cr_assert(found);
    kv_value_release(&v);
    put(1000, 1010, "v");
}
