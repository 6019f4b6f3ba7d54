/* Password verifiers for roles. */
#ifndef HELIOS_COMMANDS_PASSWORD_H
#define HELIOS_COMMANDS_PASSWORD_H

#include "common/arena.h"

bool password_is_verifier(const char *text); /* given ready-made: stored as it is */
STATUS password_scram_verifier(const char *password, Arena *arena, const char **out, Error *err);

#endif
