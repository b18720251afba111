#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "xatop/cmd.h"
#include "xatop/money.h"
#include "xatop/text.h"

static void put_escaped(struct json *json, const char *string)
{
    char clean[8192], escaped[2 * sizeof clean];
    struct text text;
    text_sanitise_cstr(clean, sizeof clean, string);
    text_init(&text, escaped, sizeof escaped); /* after sanitising only " and \ grow, to twice their size */
    text_json_escape(&text, clean);
    xatop_assert(!text.truncated);
    fprintf(json->out, "\"%s\"", escaped);
}

static void put_key(struct json *json, const char *key)
{
    if (json->comma[json->depth])
        fputc(',', json->out);
    json->comma[json->depth] = true;
    if (key)
        fprintf(json->out, "\"%s\":", key);
}

static void open_bracket(struct json *json, char bracket)
{
    fputc(bracket, json->out);
    json->depth++;
    xatop_assert(json->depth < sizeof json->comma / sizeof json->comma[0]);
    json->comma[json->depth] = false;
}

void json_begin(struct json *json, FILE *out)
{
    *json = (struct json){.out = out};
    open_bracket(json, '{');
}

void json_finish(struct json *json)
{
    json_close(json, '}');
    xatop_assert(json->depth == 0);
    fputc('\n', json->out);
}

void json_object(struct json *json, const char *key)
{
    put_key(json, key);
    open_bracket(json, '{');
}

void json_array(struct json *json, const char *key)
{
    put_key(json, key);
    open_bracket(json, '[');
}

void json_close(struct json *json, char bracket)
{
    xatop_assert(json->depth > 0);
    json->depth--;
    fputc(bracket, json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
    if (!value) {
        json_null(json, key);
        return;
    }
    put_key(json, key);
    put_escaped(json, value);
}

void json_int(struct json *json, const char *key, int64_t value)
{
    put_key(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void json_money(struct json *json, const char *key, int64_t minor)
{
    char text[32];
    put_key(json, key);
    fputs(money_format(minor, text, sizeof text), json->out);
}

void json_ms(struct json *json, const char *key, int64_t us)
{
    xatop_assert(us >= 0);
    put_key(json, key);
    fprintf(json->out, "%" PRId64 ".%03d", us / 1000, (int)(us % 1000));
}

void json_bool(struct json *json, const char *key, bool value)
{
    put_key(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_null(struct json *json, const char *key)
{
    put_key(json, key);
    fputs("null", json->out);
}
