/* What the files of the configuration share. */
#ifndef XATOP_CONFIG_INTERNAL_H
#define XATOP_CONFIG_INTERNAL_H

#include <sys/stat.h>

#include "xatop/configuration.h"

enum key_type { KEY_INT, KEY_BOOL, KEY_WORD, KEY_STRING, KEY_ID, KEY_NAME, KEY_PATH, KEY_SECRET };

struct key_spec { /* one row of the lists; a table ends with a row without a name */
    enum key_type type;
    const char *name, *env, *words, *fallback;
    int64_t min, max;
    const char *help;
    size_t offset;
};

enum { CONFIG_KEYS_MAX = 32, CONFIG_FILE_BYTES_MAX = 1 << 20, CONFIG_WHY_MAX = 160 };

extern const struct key_spec configuration_keys[];
extern const struct key_spec node_keys[];

/* Set the field of @base (struct configuration or node_configuration) from text, number or truth. False, with
 * @why, if it does not fit the key. */
bool key_set_text(const struct key_spec *key, void *base, const char *text, char why[CONFIG_WHY_MAX]);
bool key_set_int(const struct key_spec *key, void *base, int64_t value, char why[CONFIG_WHY_MAX]);
bool key_set_bool(const struct key_spec *key, void *base, bool value, char why[CONFIG_WHY_MAX]);
void keys_set_defaults(const struct key_spec *keys, void *base);
/* "from 1 to 64", "true or false", "error, warning, info or debug" */
void key_range(const struct key_spec *key, char *out, size_t cap);

void configuration_builtin_lab(struct configuration *configuration);
/* What no single key can tell: names given and unique, no two password sources. False with @why. */
bool configuration_check(struct configuration *configuration, char why[CONFIG_WHY_MAX]);

/* src/cmd/config.c: the only one that knows libconfig */
enum status configuration_read_file(struct configuration *configuration, const char *file, struct err *err);
/* Open a regular file without following a link in its last part; -1 with errno. */
int config_open(const char *file, struct stat *st);

#endif
