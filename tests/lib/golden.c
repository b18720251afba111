#include "config.h"

#include "golden.h"

#include <stdlib.h>
#include <string.h>

char *golden_capture(void (*print)(void *arg, FILE *out), void *arg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    print(arg, out);
    fclose(out);
    return text;
}

static FILE *open_source(const char *file, const char *mode)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", XATOP_SRCDIR, file);
    return fopen(path, mode);
}

char *golden_read(const char *file)
{
    char *text = NULL;
    size_t len = 0;
    FILE *in = open_source(file, "r"), *out = open_memstream(&text, &len);
    if (!in || !out)
        return NULL;
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

static bool rewrite(const char *file, const char *before, size_t before_len, const char *text,
                    const char *after)
{
    FILE *out = getenv("XATOP_TEST_UPDATE") ? open_source(file, "w") : NULL;
    if (!out) {
        printf("# %s is not what the program prints: run XATOP_TEST_UPDATE=1 make check\n", file);
        return false;
    }
    fwrite(before, 1, before_len, out);
    fputs(text, out);
    fputs(after, out);
    return fclose(out) == 0;
}

bool golden_is_file(const char *file, const char *expected)
{
    char *text = golden_read(file);
    bool same = text && strcmp(text, expected) == 0;
    free(text);
    return same || rewrite(file, "", 0, expected, "");
}

bool golden_is_block(const char *file, const char *expected)
{
    char *text = golden_read(file);
    char *begin = text ? strstr(text, ".\\\" BEGIN tables") : NULL;
    char *end = begin ? strstr(begin, ".\\\" END tables") : NULL;
    bool same = false;
    if (end) {
        begin = strchr(begin, '\n') + 1;
        same = strlen(expected) == (size_t)(end - begin) && strncmp(begin, expected, strlen(expected)) == 0;
        if (!same)
            same = rewrite(file, text, (size_t)(begin - text), expected, end);
    }
    free(text);
    return same;
}
