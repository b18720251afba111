/* jsonget PATH: read exactly one JSON value from standard input and print what stands at PATH (.a.b[0].c; "." the whole):
 * strings bare, all else compact. 1: no such place, 2: not one JSON value. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One step of the path; NULL if it leads nowhere. Advances @path. */
static const json_t *descend(const json_t *value, const char **path)
{
    char key[128];
    const char *p = *path;
    if (*p == '[') {
        char *end;
        unsigned long index = strtoul(p + 1, &end, 10);
        *path = *end == ']' ? end + 1 : end;
        return *end == ']' ? json_array_get(value, index) : NULL;
    }
    p += *p == '.';
    size_t len = strcspn(p, ".[");
    if (len == 0 || len >= sizeof key)
        return NULL;
    memcpy(key, p, len);
    key[len] = '\0';
    *path = p + len;
    return json_object_get(value, key);
}

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *root = argc == 2 ? json_loadf(stdin, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error) : NULL;
    if (!root) {
        fprintf(stderr, "jsonget: %s\n", argc == 2 ? error.text : "usage: jsonget PATH");
        return 2;
    }
    const json_t *value = root;
    const char *path = strcmp(argv[1], ".") == 0 ? "" : argv[1];
    while (value && *path)
        value = descend(value, &path);
    if (json_is_string(value))
        puts(json_string_value(value));
    else if (value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        puts(text ? text : "");
        free(text);
    }
    int code = value ? 0 : 1;
    json_decref(root);
    return code;
}
