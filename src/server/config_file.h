/* heliosdb.toml: the keys this server acts on. Command line wins over the file. Unknown keys are warnings with line and nearest name. */
#ifndef HELIOS_SERVER_CONFIG_FILE_H
#define HELIOS_SERVER_CONFIG_FILE_H

#include "common/arena.h"

typedef enum ConfigType { CONFIG_STRING, CONFIG_INT, CONFIG_BOOL } ConfigType;
typedef struct ConfigKey {
    const char *section, *key; /* "server", "port" */
    ConfigType type;
    void *target;              /* const char **, int *, bool * */
    int min, max;
} ConfigKey;

/* Strings are made in arena. F0000 with file and line for what cannot be read. */
STATUS config_file_read(const char *path, const ConfigKey *keys, int n, Arena *arena, Error *err);

#endif
