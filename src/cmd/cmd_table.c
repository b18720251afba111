#include "config.h"

#include "xatop/cmd.h"

#include <string.h>

#include "xatop/i18n.h"

const struct cmd cmd_table[] = {
#define X(name, usage, flags, help) {#name, usage, N_(help), flags, cmd_##name##_options, cmd_##name},
    XATOP_CMD_LIST(X)
#undef X
        {0}};

const struct option_spec global_options[] = {
#define X(name, word, letter, kind, argument, help)                                                          \
    [GLOBAL_##name] = {word, letter, OPTION_##kind, argument, N_(help), 0, 86400, false},
    XATOP_GLOBAL_OPTION_LIST(X)
#undef X
        [GLOBAL_OPTIONS] = {0}};

const struct cmd *cmd_find(const char *name)
{
    for (const struct cmd *c = cmd_table; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}
