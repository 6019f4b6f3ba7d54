/* The house rules, read from the sources: a floor includes only floors below it (DESIGN, "The house"), an _internal.h stays in
 * its folder, and each external library is visible on the floors that own it alone. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Floor {
    const char *name, *may_include; /* besides itself */
} Floor;

#define UP_TO_TYPES "common types"
#define UP_TO_CATALOG UP_TO_TYPES " storage nodes catalog"
#define UP_TO_PARSER UP_TO_CATALOG " functions expr parser"
#define UP_TO_EXECUTOR UP_TO_PARSER " planner executor"

static const Floor floors[] = {
    {"common", ""},
    {"types", "common"},
    {"wire", UP_TO_TYPES},
    {"storage", UP_TO_TYPES},
    {"nodes", UP_TO_TYPES},
    {"catalog", UP_TO_TYPES " storage nodes"},
    {"functions", UP_TO_CATALOG},
    {"expr", UP_TO_CATALOG " functions"},
    {"parser", UP_TO_CATALOG " functions expr"},
    {"planner", UP_TO_PARSER},
    {"executor", UP_TO_PARSER " planner"},
    {"commands", UP_TO_EXECUTOR " wire"},
    {"plpgsql", UP_TO_EXECUTOR},
    {"server", UP_TO_EXECUTOR " wire commands plpgsql"},
};

/* #include <prefix...> is for these folders only. */
static const Floor externals[] = {
    {"rocksdb/", "storage"},
    {"pg_query", "parser"},
    {"protobuf-c", "parser"},
    {"openssl/", "wire functions server"},
    {"microhttpd", "server"},
    {"pcre2", "functions"},
    {"libstemmer", "functions"},
    {"gmp.h", "types functions"},
    {"mpfr.h", "types functions"},
    {"xxhash", "common storage"},
};

static int violations, files_read;

static bool has_word(const char *list, const char *word, size_t len)
{
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, " ");
        if (n == len && strncmp(p, word, len) == 0) return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static void complain(const char *path, int line, const char *what, const char *include)
{
    violations++;
    fprintf(stderr, "%s:%d: %s: %s\n", path, line, what, include);
}

static void check_own(const Floor *floor, const char *root, const char *path, int line, const char *include)
{
    size_t folder = strcspn(include, "/");
    char file[1024];
    struct stat st;
    if (!include[folder]) {
        complain(path, line, "name the folder in an include", include);
        return;
    }
    bool own = strlen(floor->name) == folder && strncmp(include, floor->name, folder) == 0;
    if (!own && !has_word(floor->may_include, include, folder)) complain(path, line, "not a floor below", include);
    if (!own && strstr(include, "_internal.h")) complain(path, line, "internal header of another folder", include);
    snprintf(file, sizeof file, "%s/src/%s", root, include);
    if (stat(file, &st) != 0) complain(path, line, "no such file", include);
}

static void check_external(const Floor *floor, const char *path, int line, const char *include)
{
    for (size_t i = 0; i < sizeof externals / sizeof *externals; i++) {
        if (strncmp(include, externals[i].name, strlen(externals[i].name)) == 0 &&
            !has_word(externals[i].may_include, floor->name, strlen(floor->name)))
            complain(path, line, "library of another floor", include);
    }
}

static void check_file(const Floor *floor, const char *root, const char *path)
{
    char text[2048], include[512];
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f, "%s", path);
    files_read++;
    for (int line = 1; fgets(text, sizeof text, f); line++) {
        if (sscanf(text, " # include \"%511[^\"]", include) == 1) check_own(floor, root, path, line, include);
        else if (sscanf(text, " # include <%511[^>]", include) == 1) check_external(floor, path, line, include);
    }
    fclose(f);
}

static bool is_source(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (!strcmp(dot, ".c") || !strcmp(dot, ".h") || !strcmp(dot, ".cc") || !strcmp(dot, ".def"));
}

static void check_folder(const Floor *floor, const char *root, const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char path[1024];
        struct stat st;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) check_folder(floor, root, path);
        else if (is_source(entry->d_name)) check_file(floor, root, path);
    }
    if (dir) closedir(dir);
}

static void find_root(char root[512])
{
    const char *end = strstr(__FILE__, "tests/unit/house/");
    cr_assert_not_null(end);
    snprintf(root, 512, "%.*s.", (int)(end - __FILE__), __FILE__);
}

Test(house, floors_include_only_floors_below)
{
    char root[512], folder[600];
    find_root(root);
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        snprintf(folder, sizeof folder, "%s/src/%s", root, floors[i].name);
        check_folder(&floors[i], root, folder);
    }
    cr_assert_gt(files_read, 50);
    cr_assert_eq(violations, 0, "%d includes break the rules", violations);
}

Test(house, every_folder_is_a_floor)
{
    char root[512], src[600];
    struct dirent *entry;
    find_root(root);
    snprintf(src, sizeof src, "%s/src", root);
    DIR *dir = opendir(src);
    cr_assert_not_null(dir);
    while ((entry = readdir(dir))) {
        bool known = entry->d_name[0] == '.' || strchr(entry->d_name, '.');
        for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) known = known || strcmp(floors[i].name, entry->d_name) == 0;
        cr_assert(known, "src/%s is no floor", entry->d_name);
    }
    closedir(dir);
}
