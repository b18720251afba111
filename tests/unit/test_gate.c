#include "config.h"

#include <string.h>

#include "cunit_main.h"
#include "xatop/fault.h"
#include "xatop/verb.h"

static const char *const nodes[] = {"alpha", "beta"};

static enum status parse(const char *spec, struct fault *out, struct err *err)
{
    return fault_parse(spec, nodes, 2, out, err);
}

static void parses_the_language(void)
{
    struct fault f;
    CU_ASSERT_EQUAL(parse("crash@prepare.sent", &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(f.kind->act, FAULT_CRASH);
    CU_ASSERT_EQUAL(f.point, POINT_PREPARE_SENT);
    CU_ASSERT_EQUAL(f.nth, 1);
    CU_ASSERT_STRING_EQUAL(f.spec, "crash@prepare.sent");
    CU_ASSERT_EQUAL(parse("delay=250@commit.reply:beta#3", &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(f.ms, 250);
    CU_ASSERT_EQUAL(f.node, 2);
    CU_ASSERT_EQUAL(f.branch, 0);
    CU_ASSERT_EQUAL(f.nth, 3);
    CU_ASSERT_EQUAL(parse("drop@work.reply:2", &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(f.branch, 2);
    CU_ASSERT_EQUAL(f.node, 0);
    CU_ASSERT_EQUAL(parse("logfail@decide.durable", &f, NULL), STATUS_OK);
}

static void crash_fits_every_point(void)
{
    for (unsigned p = POINT_NONE + 1; p < POINTS; p++) {
        char spec[64];
        struct text text;
        struct fault f;
        text_init(&text, spec, sizeof spec);
        text_printf(&text, "crash@%s", point_name((enum point)p));
        CU_ASSERT_EQUAL(parse(spec, &f, NULL), STATUS_OK);
        CU_ASSERT_EQUAL(f.point, p);
    }
}

static void refuses_with_words(void)
{
    static const struct {
        const char *spec, *words;
    } rows[] = {
        {"", "names no point"},
        {"crash", "names no point"},
        {"cras@begin", "did you mean 'crash'"},
        {"explode@begin", "unknown fault kind 'explode': known are crash, drop, delay, refuse, kill, freeze, "
                          "cut, heal, logfail"},
        {"kill@begin", "needs the node to be struck: write kill@begin:NODE"},
        {"cut@decide.durable#2", "needs the node to be struck"},
        {"kill@begin:gamma", "unknown node"},
        {"freeze=5@work.sent", "takes no value"},
        {"crash@prepare.snt", "did you mean 'prepare.sent'"},
        {"crash@begin:alpha", "belongs to no node"},
        {"crash@work.sent:gamma", "unknown node"},
        {"crash@work.sent:0", "unknown node"},
        {"crash@work.sent:17", "unknown node"},
        {"crash@work.sent#0", "counts passes"},
        {"crash@work.sent#x", "counts passes"},
        {"crash=5@work.sent", "takes no value"},
        {"delay@work.sent", "needs milliseconds"},
        {"delay=0@work.sent", "needs milliseconds"},
        {"drop@begin", "no meaning"},
        {"drop@decide.append", "no meaning"},
        {"logfail@work.sent", "no meaning"},
        {"refuse@prepare.reply", "no meaning"},
        {"\x1b[31m@begin", "unknown fault kind '\\x1b[31m'"},
        {"crash@"
         "begin000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
         "too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f;
        struct err err = {0};
        CU_ASSERT_EQUAL(parse(rows[i].spec, &f, &err), STATUS_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, rows[i].words));
    }
}

static struct gate armed(const char *spec)
{
    struct gate gate = {0};
    struct fault f;
    CU_ASSERT_EQUAL(parse(spec, &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(gate_arm(&gate, &f, NULL), STATUS_OK);
    return gate;
}

static void hits_at_the_nth_pass_and_once(void)
{
    struct gate gate = armed("drop@commit.sent:beta#2");
    CU_ASSERT_EQUAL(gate_armed(&gate), 1);
    CU_ASSERT_PTR_NULL(gate_pass(&gate, POINT_COMMIT_SENT, 1, 1)); /* another node: does not count */
    CU_ASSERT_PTR_NULL(gate_pass(&gate, POINT_COMMIT_SENT, 2, 2));
    CU_ASSERT_PTR_NULL(gate_pass(&gate, POINT_COMMIT_REPLY, 2, 2));
    const struct fault *hit = gate_pass(&gate, POINT_COMMIT_SENT, 2, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(hit);
    CU_ASSERT_EQUAL(hit->kind->act, FAULT_DROP);
    CU_ASSERT_EQUAL(gate_armed(&gate), 0);
    CU_ASSERT_PTR_NULL(gate_pass(&gate, POINT_COMMIT_SENT, 2, 2));
}

static void every_point_can_strike_a_node(void)
{
    static const char *const kinds[] = {"kill", "freeze", "cut", "heal"};
    for (unsigned k = 0; k < 4; k++)
        for (unsigned p = POINT_NONE + 1; p < POINTS; p++) {
            char spec[64];
            struct text text;
            struct fault f;
            text_init(&text, spec, sizeof spec);
            text_printf(&text, "%s@%s:beta", kinds[k], point_name((enum point)p));
            CU_ASSERT_EQUAL(parse(spec, &f, NULL), STATUS_OK);
            CU_ASSERT_TRUE(fault_act_harms(f.kind->act));
            CU_ASSERT_EQUAL(f.node, 2);
        }
}

static void from_afar_the_branch_there_counts(void)
{
    struct gate gate = armed("kill@decide.durable:beta#2");
    CU_ASSERT_PTR_NULL(
        gate_pass(&gate, POINT_DECIDE_DURABLE, 0, 0)); /* that asks for what meets the decision itself */
    CU_ASSERT_PTR_NULL(gate_pass_over(&gate, POINT_DECIDE_DURABLE, 1, 1));
    CU_ASSERT_PTR_NULL(gate_pass_over(&gate, POINT_DECIDE_DURABLE, 2, 2)); /* the first */
    CU_ASSERT_PTR_NULL(gate_pass_over(&gate, POINT_DECIDE_APPEND, 2, 2));
    CU_ASSERT_PTR_NOT_NULL(gate_pass_over(&gate, POINT_DECIDE_DURABLE, 2, 2));
    gate = armed("crash@decide.durable");
    CU_ASSERT_PTR_NULL(gate_pass_over(&gate, POINT_DECIDE_DURABLE, 1, 1));
    gate = armed("kill@work.sent:2");
    CU_ASSERT_PTR_NULL(gate_pass_over(&gate, POINT_WORK_SENT, 2, 2)); /* it travels with the message */
    CU_ASSERT_PTR_NOT_NULL(gate_pass(&gate, POINT_WORK_SENT, 2, 2));
}

static void only_what_is_ours_is_struck(void)
{
    static const struct {
        const char *spec, *words; /* NULL: allowed */
        uint16_t processes, links;
    } rows[] = {
        {"kill@work.sent:beta", NULL, 2, 0},
        {"kill@work.sent:beta", "node beta is not a server that xatop started", 1, 3},
        {"freeze@work.sent:1", "node beta is not", 1, 3}, /* the first branch may be anywhere */
        {"kill@work.sent", "node alpha is not", 2, 3},
        {"kill@work.sent", NULL, 3, 0},
        {"cut@work.sent:alpha", NULL, 0, 1},
        {"heal@decide.append:alpha", "node alpha is not reached through a link", 3, 2},
        {"crash@work.sent", NULL, 0, 0},
        {"drop@work.sent", NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f;
        struct err err = {0};
        CU_ASSERT_EQUAL(parse(rows[i].spec, &f, NULL), STATUS_OK);
        enum status status = fault_allowed(&f, nodes, 2, rows[i].processes, rows[i].links, &err);
        CU_ASSERT_EQUAL(status, rows[i].words ? STATUS_REFUSED : STATUS_OK);
        CU_ASSERT_TRUE(!rows[i].words || strstr(err.text, rows[i].words));
    }
}

static void without_a_node_whichever_comes_first(void)
{
    struct gate gate = armed("refuse@prepare.sent");
    CU_ASSERT_PTR_NOT_NULL(gate_pass(&gate, POINT_PREPARE_SENT, 2, 2));
    CU_ASSERT_PTR_NULL(gate_pass(&gate, POINT_PREPARE_SENT, 1, 1));
}

static void every_armed_fault_counts_the_pass(void)
{
    struct gate gate = armed("drop@work.sent");
    struct fault f;
    CU_ASSERT_EQUAL(parse("refuse@work.sent#2", &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(gate_arm(&gate, &f, NULL), STATUS_OK);
    const struct fault *hit = gate_pass(&gate, POINT_WORK_SENT, 1, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(hit);
    CU_ASSERT_EQUAL(hit->kind->act, FAULT_DROP);
    hit = gate_pass(&gate, POINT_WORK_SENT, 1, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(hit);
    CU_ASSERT_EQUAL(hit->kind->act, FAULT_REFUSE);
}

static void holds_a_bounded_number_and_reuses_spent_places(void)
{
    struct gate gate = {0};
    struct fault f;
    struct err err = {0};
    CU_ASSERT_EQUAL(parse("crash@begin", &f, NULL), STATUS_OK);
    for (int i = 0; i < FAULTS_MAX; i++)
        CU_ASSERT_EQUAL(gate_arm(&gate, &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(gate_arm(&gate, &f, &err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(gate_pass(&gate, POINT_BEGIN, 0, 0));
    CU_ASSERT_EQUAL(gate_arm(&gate, &f, NULL), STATUS_OK);
    CU_ASSERT_EQUAL(gate_armed(&gate), FAULTS_MAX);
    gate_disarm_all(&gate);
    CU_ASSERT_EQUAL(gate_armed(&gate), 0);
}

static void every_verb_has_its_points(void)
{
    CU_ASSERT_EQUAL(point_sent(VERB_OPEN), POINT_NONE);
    CU_ASSERT_EQUAL(point_sent(VERB_START), POINT_START_SENT);
    CU_ASSERT_EQUAL(point_sent(VERB_ONE_PHASE), POINT_COMMIT_SENT);
    for (unsigned verb = VERB_START; verb <= VERB_ONE_PHASE; verb <<= 1) {
        enum point sent = point_sent(verb);
        CU_ASSERT_PTR_NOT_NULL(strstr(point_name(sent), ".sent"));
        CU_ASSERT_PTR_NOT_NULL(strstr(point_name((enum point)(sent + 1)), ".reply"));
        CU_ASSERT_TRUE(point_per_node(sent));
    }
    CU_ASSERT_EQUAL(point_by_name("nonsense"), POINT_NONE);
    CU_ASSERT_EQUAL(point_by_name(""), POINT_NONE);
}

static void every_kind_says_what_it_does(void)
{
    for (const struct fault_kind *const *kind = fault_kinds(); *kind; kind++) {
        CU_ASSERT_TRUE((*kind)->name[0] && (*kind)->help[0]);
        CU_ASSERT_TRUE((*kind)->at_decide || (*kind)->at_message || (*kind)->at_step);
        CU_ASSERT_NOT_EQUAL((*kind)->act, FAULT_NONE);
    }
}

int main(void)
{
    static const struct test_case cases[] = {
        {"parses the language", parses_the_language},
        {"crash fits every point", crash_fits_every_point},
        {"refuses with words", refuses_with_words},
        {"hits at the nth pass and once", hits_at_the_nth_pass_and_once},
        {"every point can strike a node", every_point_can_strike_a_node},
        {"from afar the branch there counts", from_afar_the_branch_there_counts},
        {"only what is ours is struck", only_what_is_ours_is_struck},
        {"without a node whichever comes first", without_a_node_whichever_comes_first},
        {"every armed fault counts the pass", every_armed_fault_counts_the_pass},
        {"holds a bounded number", holds_a_bounded_number_and_reuses_spent_places},
        {"every verb has its points", every_verb_has_its_points},
        {"every kind says what it does", every_kind_says_what_it_does},
        {0},
    };
    return test_main("gate", cases);
}
