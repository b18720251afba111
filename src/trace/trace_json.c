#include "config.h"

#include "xatop/trace.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "trace_names.h"
#include "xatop/verb.h"

/* --- out: allocates nothing --- */

static void put_number(struct text *out, const char *key, int64_t value)
{
    if (value)
        text_printf(out, ",\"%s\":%" PRId64, key, value);
}

static void put_word(struct text *out, const char *key, trace_name_fn *names, int value)
{
    const char *word = names ? names(value) : "?";
    if (word[0] == '?')
        put_number(out, key, value);
    else
        text_printf(out, ",\"%s\":\"%s\"", key, word);
}

/* All verbs of the list. */
static unsigned known_verbs(void)
{
    unsigned all = 0;
#define X(name, bit, word, sql, letter) all |= VERB_##name;
    XATOP_VERB_LIST(X)
#undef X
    return all;
}

static void put_verbs(struct text *out, uint16_t verbs)
{
    if (verbs == 0 || verbs & ~known_verbs()) {
        put_number(out, "verbs", verbs);
        return;
    }
    text_append(out, ",\"verbs\":\"");
    verbs_print(verbs, out);
    text_append(out, "\"");
}

void trace_to_json(const struct trace_event *event, struct text *out)
{
    char detail[XATOP_REASON_MAX]; /* cut in the middle of a character it would not be JSON */
    text_sanitise(detail, sizeof detail, event->detail, strnlen(event->detail, sizeof event->detail));
    text_printf(out, "{\"seq\":%" PRIu64 ",\"kind\":\"%s\"", event->seq, trace_kind_name((int)event->kind));
    put_number(out, "mono_us", event->mono_us);
    put_number(out, "wall_ms", event->wall_ms);
    put_number(out, "txn", (int64_t)event->txn);
    put_number(out, "epoch", event->epoch);
    put_number(out, "branch", event->branch);
    put_number(out, "node", event->node);
    put_verbs(out, event->verbs);
    put_word(out, "from", trace_state_names(event->kind), event->from);
    put_word(out, "to", trace_state_names(event->kind), event->to);
    put_word(out, "result", trace_result_names(event->kind), event->result);
    put_number(out, "error", event->error);
    put_number(out, "start_us", event->start_us);
    put_number(out, "end_us", event->end_us);
    if (event->n[0] || event->n[1] || event->n[2] || event->n[3])
        text_printf(out, ",\"n\":[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]", event->n[0], event->n[1],
                    event->n[2], event->n[3]);
    if (detail[0]) {
        text_append(out, ",\"detail\":\"");
        text_json_escape(out, detail);
        text_append(out, "\"");
    }
    text_append(out, "}");
}

/* --- in: every byte is untrusted --- */

enum { LINE_MAX_READ = 4 * TRACE_LINE_MAX };

/* A missing key is 0; a number must be in range. */
static bool get_number(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    *out = 0;
    if (!value)
        return true;
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= min && *out <= max;
}

static bool get_word(const json_t *object, const char *key, trace_name_fn *names, int16_t *out)
{
    const char *word = json_string_value(json_object_get(object, key));
    int64_t number;
    if (!word) {
        bool fits = get_number(object, key, INT16_MIN, INT16_MAX, &number);
        *out = (int16_t)number;
        return fits;
    }
    for (int i = 0; names && names(i)[0] != '?'; i++)
        if (strcmp(names(i), word) == 0) {
            *out = (int16_t)i;
            return true;
        }
    return false;
}

static unsigned verb_by_name(const char *word, size_t len)
{
#define X(name, bit, verb_word, sql, letter)                                                                 \
    if (len == sizeof verb_word - 1 && memcmp(word, verb_word, len) == 0)                                    \
        return VERB_##name;
    XATOP_VERB_LIST(X)
#undef X
    return 0;
}

static bool get_verbs(const json_t *object, uint16_t *out)
{
    const char *words = json_string_value(json_object_get(object, "verbs"));
    int64_t number;
    unsigned verbs = 0;
    if (!words) {
        bool fits = get_number(object, "verbs", 0, UINT16_MAX, &number);
        *out = (uint16_t)number;
        return fits;
    }
    for (size_t len; *words; words += len + (words[len] == '+')) {
        len = strcspn(words, "+");
        unsigned verb = verb_by_name(words, len);
        if (verb == 0)
            return false;
        verbs |= verb;
    }
    *out = (uint16_t)verbs;
    return true;
}

static bool get_kind(const json_t *object, enum trace_kind *out)
{
    const char *word = json_string_value(json_object_get(object, "kind"));
    for (int i = 0; word && i < TRACE_KINDS; i++)
        if (strcmp(trace_kind_name(i), word) == 0) {
            *out = (enum trace_kind)i;
            return true;
        }
    return false;
}

static bool get_n(const json_t *object, int64_t n[4])
{
    const json_t *array = json_object_get(object, "n");
    if (!array)
        return true;
    if (!json_is_array(array) || json_array_size(array) != 4)
        return false;
    for (size_t i = 0; i < 4; i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_integer(item))
            return false;
        n[i] = json_integer_value(item);
    }
    return true;
}

static bool get_detail(const json_t *object, char detail[XATOP_REASON_MAX])
{
    const json_t *value = json_object_get(object, "detail");
    if (!value)
        return true;
    if (!json_is_string(value))
        return false;
    text_sanitise(detail, XATOP_REASON_MAX, json_string_value(value), json_string_length(value));
    return true;
}

static bool event_from(const json_t *object, struct trace_event *event)
{
    int64_t seq, txn, epoch, branch, node, error;
    if (!json_is_integer(json_object_get(object, "seq")) || !get_kind(object, &event->kind))
        return false;
    bool fits = get_number(object, "seq", 0, INT64_MAX, &seq) &&
                get_number(object, "mono_us", INT64_MIN, INT64_MAX, &event->mono_us) &&
                get_number(object, "wall_ms", INT64_MIN, INT64_MAX, &event->wall_ms) &&
                get_number(object, "txn", 0, INT64_MAX, &txn) &&
                get_number(object, "epoch", 0, UINT32_MAX, &epoch) &&
                get_number(object, "branch", 0, XATOP_BRANCHES_MAX, &branch) &&
                get_number(object, "node", 0, XATOP_NODES_MAX, &node) && get_verbs(object, &event->verbs) &&
                get_word(object, "from", trace_state_names(event->kind), &event->from) &&
                get_word(object, "to", trace_state_names(event->kind), &event->to) &&
                get_word(object, "result", trace_result_names(event->kind), &event->result) &&
                get_number(object, "error", INT32_MIN, INT32_MAX, &error) &&
                get_number(object, "start_us", INT64_MIN, INT64_MAX, &event->start_us) &&
                get_number(object, "end_us", INT64_MIN, INT64_MAX, &event->end_us) &&
                get_n(object, event->n) && get_detail(object, event->detail);
    if (!fits)
        return false;
    event->seq = (uint64_t)seq;
    event->txn = (uint64_t)txn;
    event->epoch = (uint32_t)epoch;
    event->branch = (int8_t)branch;
    event->node = (int8_t)node;
    event->error = (int32_t)error;
    return true;
}

bool trace_from_json(const char *line, size_t len, struct trace_event *out)
{
    if (len > LINE_MAX_READ)
        return false;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    struct trace_event event;
    memset(&event, 0, sizeof event);
    bool fits = json_is_object(object) && event_from(object, &event);
    if (fits)
        *out = event;
    json_decref(object);
    return fits;
}
