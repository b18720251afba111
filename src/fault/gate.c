#include "config.h"

#include "xatop/fault.h"

#include <string.h>

#include "xatop/fault_list.h"
#include "xatop/i18n.h"

#define X(kind) extern const struct fault_kind fault_kind_##kind;
XATOP_FAULT_LIST(X)
#undef X

static const struct fault_kind *const kinds[] = {
#define X(kind) &fault_kind_##kind,
    XATOP_FAULT_LIST(X)
#undef X
        NULL,
};

enum { KINDS = sizeof kinds / sizeof kinds[0] - 1, SPEC_MAX = 96, DELAY_MAX_MS = 3600 * 1000 };

const struct fault_kind *const *fault_kinds(void)
{
    return kinds;
}

/* One word of the specification, cut off at the first of @stops; what is left begins with the stop. */
static const char *cut_word(const char *p, const char *stops, char *out, size_t cap)
{
    size_t n = strcspn(p, stops);
    size_t copied = n < cap ? n : cap - 1;
    memcpy(out, p, copied);
    out[copied] = '\0';
    return p + n;
}

/* "; did you mean 'x'?" where a word is near, else the whole list. */
static enum status unknown(struct err *err, const char *what, const char *word, const char *const *words)
{
    char clean[SPEC_MAX];
    text_sanitise_cstr(clean, sizeof clean, word);
    const char *near = text_nearest(word, words);
    if (near)
        return err_set(err, STATUS_USAGE, _("unknown %s '%s': did you mean '%s'?"), what, clean, near);
    char list[XATOP_ERROR_MAX / 2];
    struct text text;
    text_init(&text, list, sizeof list);
    for (unsigned i = 0; words[i]; i++)
        text_printf(&text, "%s%s", i ? ", " : "", words[i]);
    return err_set(err, STATUS_USAGE, _("unknown %s '%s': known are %s"), what, clean, list);
}

static enum status parse_kind(const char *word, const char *value, struct fault *out, struct err *err)
{
    const char *names[KINDS + 1];
    for (unsigned i = 0; i < KINDS; i++) {
        names[i] = kinds[i]->name;
        if (strcmp(word, names[i]) == 0)
            out->kind = kinds[i];
    }
    names[KINDS] = NULL;
    if (!out->kind)
        return unknown(err, _("fault kind"), word, names);
    int64_t ms = 0;
    if (out->kind->takes_ms && (!value || !text_to_i64(value, 1, DELAY_MAX_MS, &ms)))
        return err_set(err, STATUS_USAGE, _("fault '%s' needs milliseconds, 1 to %d: write %s=MS@POINT"),
                       word, DELAY_MAX_MS, word);
    if (!out->kind->takes_ms && value)
        return err_set(err, STATUS_USAGE, _("fault '%s' takes no value: write %s@POINT"), word, word);
    out->ms = (int32_t)ms;
    return STATUS_OK;
}

bool fault_kind_fits(const struct fault_kind *kind, enum point point)
{
    if (point == POINT_DECIDE_APPEND || point == POINT_DECIDE_DURABLE)
        return kind->at_decide;
    if (!point_per_node(point))
        return kind->at_step;
    /* after the node acted there is nothing left to refuse: a made-up error would be a lie about what it did
     */
    const char *dot = strchr(point_name(point), '.');
    return kind->at_message && !(kind->act == FAULT_REFUSE && strcmp(dot, ".reply") == 0);
}

static enum status parse_point(const char *word, struct fault *out, struct err *err)
{
    out->point = point_by_name(word);
    if (out->point == POINT_NONE) {
        const char *names[POINTS];
        for (unsigned i = POINT_NONE + 1; i < POINTS; i++)
            names[i - 1] = point_name((enum point)i);
        names[POINTS - 1] = NULL;
        return unknown(err, _("point"), word, names);
    }
    if (!fault_kind_fits(out->kind, out->point))
        return err_set(err, STATUS_USAGE, _("fault '%s' has no meaning at '%s': %s"), out->kind->name,
                       point_name(out->point), _(out->kind->help));
    return STATUS_OK;
}

static enum status parse_node(const char *word, const char *const *node_names, uint8_t node_count,
                              struct fault *out, struct err *err)
{
    if (!point_per_node(out->point) && !fault_act_harms(out->kind->act))
        return err_set(err, STATUS_USAGE, _("point '%s' belongs to no node: leave ':%s' out"),
                       point_name(out->point), "NODE");
    /* a node's name wins over a branch number, should somebody call a node "1" */
    const char *names[XATOP_NODES_MAX + 1];
    for (uint8_t i = 0; i < node_count; i++) {
        names[i] = node_names[i];
        if (strcmp(word, node_names[i]) == 0) {
            out->node = (uint8_t)(i + 1);
            return STATUS_OK;
        }
    }
    names[node_count] = NULL;
    int64_t branch;
    if (text_to_i64(word, 1, XATOP_BRANCHES_MAX, &branch)) {
        out->branch = (uint8_t)branch;
        return STATUS_OK;
    }
    return unknown(err, _("node"), word, names);
}

/* It strikes a node, at a point where no node is spoken to. */
static bool strikes_from_afar(const struct fault *fault)
{
    return fault_act_harms(fault->kind->act) && !point_per_node(fault->point);
}

enum status fault_parse(const char *spec, const char *const *node_names, uint8_t node_count,
                        struct fault *out, struct err *err)
{
    char head[SPEC_MAX], word[SPEC_MAX];
    memset(out, 0, sizeof *out);
    out->nth = 1;
    if (strlen(spec) >= sizeof out->spec)
        return err_set(err, STATUS_USAGE, _("fault specification too long: at most %zu bytes"),
                       sizeof out->spec - 1);
    const char *p = cut_word(spec, "@", head, sizeof head);
    if (*p != '@') {
        char clean[SPEC_MAX];
        text_sanitise_cstr(clean, sizeof clean, spec);
        return err_set(err, STATUS_USAGE, _("fault '%s' names no point: write KIND[=MS]@POINT[:NODE][#NTH]"),
                       clean);
    }
    char *value = strchr(head, '=');
    if (value)
        *value++ = '\0';
    enum status status = parse_kind(head, value, out, err);
    if (status != STATUS_OK)
        return status;
    p = cut_word(p + 1, ":#", word, sizeof word);
    status = parse_point(word, out, err);
    if (status == STATUS_OK && *p == ':') {
        p = cut_word(p + 1, "#", word, sizeof word);
        status = parse_node(word, node_names, node_count, out, err);
    }
    if (status != STATUS_OK)
        return status;
    if (strikes_from_afar(out) && !out->node && !out->branch)
        return err_set(err, STATUS_USAGE,
                       _("fault '%s' at '%s' needs the node to be struck: write %s@%s:NODE"), out->kind->name,
                       point_name(out->point), out->kind->name, point_name(out->point));
    if (*p == '#') {
        int64_t nth;
        if (!text_to_i64(p + 1, 1, 1000000, &nth))
            return err_set(err, STATUS_USAGE,
                           _("the number after '#' must be 1 to 1000000: it counts passes"));
        out->nth = (uint32_t)nth;
    }
    text_copy(out->spec, sizeof out->spec, spec);
    return STATUS_OK;
}

enum status fault_allowed(const struct fault *fault, const char *const *node_names, uint8_t node_count,
                          uint16_t processes, uint16_t links, struct err *err)
{
    bool process = fault->kind->needs == FAULT_NEEDS_PROCESS;
    uint16_t ours = process ? processes : links;
    if (fault->kind->needs == FAULT_NEEDS_NOTHING)
        return STATUS_OK;
    for (uint8_t i = 0; i < node_count; i++) {
        if ((fault->node && fault->node != i + 1) || ours & 1u << i)
            continue;
        return err_set(err, STATUS_REFUSED,
                       process
                           ? _("fault '%s': node %s is not a server that xatop started: only those are ever "
                               "struck; name another with :NODE")
                           : _("fault '%s': node %s is not reached through a link of xatop's: only lab nodes "
                               "are; name another with :NODE"),
                       fault->kind->name, node_names[i]);
    }
    return STATUS_OK;
}

enum status gate_arm(struct gate *gate, const struct fault *fault, struct err *err)
{
    /* a spent fault's place is free again */
    for (uint8_t i = 0; i < gate->count; i++)
        if (gate->faults[i].spent) {
            gate->faults[i] = *fault;
            return STATUS_OK;
        }
    if (gate->count == FAULTS_MAX)
        return err_set(err, STATUS_USAGE, _("%d faults are armed already: disarm some first"), FAULTS_MAX);
    gate->faults[gate->count++] = *fault;
    return STATUS_OK;
}

void gate_disarm_all(struct gate *gate)
{
    memset(gate, 0, sizeof *gate);
}

uint8_t gate_armed(const struct gate *gate)
{
    uint8_t armed = 0;
    for (uint8_t i = 0; i < gate->count; i++)
        armed += !gate->faults[i].spent;
    return armed;
}

static const struct fault *pass(struct gate *gate, enum point point, uint8_t branch,
                                uint8_t node_index_plus_1, bool from_afar)
{
    const struct fault *hit = NULL;
    for (uint8_t i = 0; i < gate->count; i++) {
        struct fault *fault = &gate->faults[i];
        if (fault->spent || fault->point != point || (fault->branch && fault->branch != branch) ||
            (fault->node && fault->node != node_index_plus_1) || strikes_from_afar(fault) != from_afar)
            continue;
        /* every armed fault counts the pass; only one may hit */
        if (fault->passed < fault->nth)
            fault->passed++;
        if (!hit && fault->passed == fault->nth) {
            fault->spent = true;
            hit = fault;
        }
    }
    return hit;
}

const struct fault *gate_pass(struct gate *gate, enum point point, uint8_t branch, uint8_t node_index_plus_1)
{
    return pass(gate, point, branch, node_index_plus_1, false);
}

const struct fault *gate_pass_over(struct gate *gate, enum point point, uint8_t branch,
                                   uint8_t node_index_plus_1)
{
    return pass(gate, point, branch, node_index_plus_1, true);
}
