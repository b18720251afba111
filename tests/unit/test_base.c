#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cunit_main.h"
#include "xatop/clock.h"
#include "xatop/prng.h"
#include "xatop/status.h"
#include "xatop/vocab.h"

static void statuses_are_the_exit_codes_of_the_manual(void)
{
    static const struct {
        enum status status;
        int exit_code;
    } rows[] = {
        {STATUS_OK, 0},        {STATUS_REFUSED, 1},        {STATUS_USAGE, 2},          {STATUS_PENDING, 3},
        {STATUS_NODE, 4},      {STATUS_INVARIANT, 5},      {STATUS_PROVED_NOTHING, 6}, {STATUS_STATE, 7},
        {STATUS_INTERNAL, 70}, {STATUS_INJECTED_CRASH, 99}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CU_ASSERT_EQUAL(status_exit_code(rows[i].status), rows[i].exit_code);
        CU_ASSERT_TRUE(strlen(status_words(rows[i].status)) > 3);
    }
}

static void an_error_is_one_bounded_line(void)
{
    struct err err;
    CU_ASSERT_EQUAL(err_set(&err, STATUS_USAGE, "%s: %d", "port", 7), STATUS_USAGE);
    CU_ASSERT_EQUAL(err.status, STATUS_USAGE);
    CU_ASSERT_STRING_EQUAL(err.text, "port: 7");
    CU_ASSERT_EQUAL(err_set(NULL, STATUS_NODE, "nobody listens"), STATUS_NODE);
    char word[2 * XATOP_ERROR_MAX];
    memset(word, 'x', sizeof word);
    word[sizeof word - 1] = '\0';
    err_set(&err, STATUS_STATE, "%s", word);
    CU_ASSERT_EQUAL(strlen(err.text), XATOP_ERROR_MAX - 1);
}

static void a_broken_promise_aborts(void)
{
    xatop_assert(1 + 1 == 2);
    fflush(stdout);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        close(STDERR_FILENO);
        xatop_assert(1 + 1 == 3);
        _exit(0);
    }
    int wait_status = 0;
    CU_ASSERT_EQUAL_FATAL(waitpid(pid, &wait_status, 0), pid);
    CU_ASSERT_TRUE(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGABRT);
}

static void the_same_seed_gives_the_same_run(void)
{
    struct prng a, b, c;
    prng_seed(&a, 42);
    prng_seed(&b, 42);
    prng_seed(&c, 43);
    int differ = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = prng_next(&a);
        CU_ASSERT_EQUAL(x, prng_next(&b));
        differ += x != prng_next(&c);
    }
    CU_ASSERT_TRUE(differ > 90);
    prng_seed(&a, 0); /* the published first value of splitmix64 from state 0 */
    CU_ASSERT_EQUAL(prng_next(&a), UINT64_C(0xe220a8397b1dcdaf));
}

static void below_stays_below_and_meets_all(void)
{
    struct prng prng;
    unsigned met[7] = {0};
    prng_seed(&prng, 5);
    for (int i = 0; i < 7000; i++)
        met[prng_below(&prng, 7)]++;
    for (int i = 0; i < 7; i++)
        CU_ASSERT_TRUE(met[i] > 800 && met[i] < 1200);
    CU_ASSERT_EQUAL(prng_below(&prng, 1), 0);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_TRUE(prng_below(&prng, UINT64_C(0x8000000000000001)) <= UINT64_C(0x8000000000000000));
}

static void kernel_bytes_differ(void)
{
    unsigned char a[32] = {0}, b[32] = {0}, none[32] = {0};
    random_bytes(a, sizeof a);
    random_bytes(b, sizeof b);
    CU_ASSERT_NOT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, none, sizeof a), 0);
}

static void clocks_go_forward(void)
{
    int64_t us = clock_mono_us(), ms = clock_mono_ms();
    CU_ASSERT_TRUE(clock_mono_us() >= us);
    CU_ASSERT_TRUE(ms >= us / 1000);
    CU_ASSERT_TRUE(clock_wall_ms() > INT64_C(1600000000000));
}

static void names_take_any_number(void)
{
    static const char *(*const names[])(int) = {txn_state_name,  branch_state_name,  reply_name,
                                                finding_name,    outcome_name,       verdict_name,
                                                node_state_name, recovery_rule_name, recovery_rule_words};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CU_ASSERT_STRING_NOT_EQUAL(names[i](0), "?");
        CU_ASSERT_STRING_EQUAL(names[i](-1), "?");
        CU_ASSERT_STRING_EQUAL(names[i](1000), "?");
    }
    CU_ASSERT_STRING_EQUAL(txn_state_name(TXN_IN_DOUBT), "in-doubt");
    CU_ASSERT_STRING_EQUAL(branch_state_name(BRANCH_ROLLED_BACK), "rolled-back");
    CU_ASSERT_STRING_EQUAL(reply_name(REPLY_NOT_SENT), "not-sent");
    CU_ASSERT_STRING_EQUAL(finding_name(FINDING_OTHER_NODE), "other-node");
    CU_ASSERT_STRING_EQUAL(outcome_name(OUTCOME_IN_DOUBT), "in-doubt");
    CU_ASSERT_STRING_EQUAL(verdict_name(VERDICT_AMBIGUOUS), "ambiguous");
    CU_ASSERT_STRING_EQUAL(recovery_rule_name(RULE_NO_RECORD), "no-record");
    CU_ASSERT_STRING_EQUAL(recovery_rule_words(RULE_NO_RECORD), "no COMMIT record: presumed abort");
    CU_ASSERT_STRING_EQUAL(node_state_name(NODE_CUT), "cut");
}

int main(void)
{
    static const struct test_case cases[] = {
        {"statuses are the exit codes of the manual", statuses_are_the_exit_codes_of_the_manual},
        {"an error is one bounded line", an_error_is_one_bounded_line},
        {"a broken promise aborts", a_broken_promise_aborts},
        {"the same seed gives the same run", the_same_seed_gives_the_same_run},
        {"below stays below and meets all", below_stays_below_and_meets_all},
        {"kernel bytes differ", kernel_bytes_differ},
        {"clocks go forward", clocks_go_forward},
        {"names take any number", names_take_any_number},
        {NULL, NULL},
    };
    return test_main("base", cases);
}
