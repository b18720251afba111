/* The steady load of the availability measurement: asks come at their times whether or not the earlier ones were answered, and
 * those that were due while no coordinator was there are lost. So nobody who waits hides how long. */
#include "config.h"

#include <stdlib.h>

#include "chaos.h"
#include "xatop/clock.h"
#include "xatop/prng.h"
#include "xatop/runtime.h"

struct ask {
    struct command command;
    struct chaos_shared *shared;
    int64_t due_us;
};

/* Engine thread. */
static void told(struct command *command, const struct report *report, const struct recovery_report *recovery)
{
    struct ask *ask = command->arg;
    struct chaos_shared *shared = ask->shared;
    (void)recovery;
    bool decided =
        report && (report->outcome == OUTCOME_COMMITTED || report->outcome == OUTCOME_COMMITTED_PENDING);
    bool refused =
        report && (report->outcome == OUTCOME_ABORTED || report->outcome == OUTCOME_ABORTED_PENDING);
    if (ask->due_us < shared->steady_us || (!decided && !refused)) {
        /* of an earlier measurement; in doubt is no answer */
    } else if (clock_mono_us() - ask->due_us > CHAOS_ANSWER_MS * INT64_C(1000)) {
        shared->steady_late++;
    } else if (decided) {
        shared->steady_committed++;
    } else {
        shared->steady_refused++;
    }
    free(ask);
}

static void ask_now(struct runtime *runtime, struct chaos_shared *shared, uint64_t number, int64_t due_us)
{
    struct prng prng;
    struct ask *ask = calloc(1, sizeof *ask);
    xatop_assert(ask);
    prng_seed(&prng, (uint64_t)shared->steady_us + number);
    ask->shared = shared;
    ask->due_us = due_us;
    ask->command = (struct command){.completion.kind = COMPLETION_COMMAND,
                                    .kind = COMMAND_RUN,
                                    .scenario = number % 3 == 0, /* two transfers, one order */
                                    .packet = number % 2,
                                    .wait_ms = CHAOS_ANSWER_MS / 2,
                                    .done = told,
                                    .arg = ask};
    scenario_at(ask->command.scenario)->random(&prng, runtime_shape(runtime), &ask->command.params);
    shared->steady_begun++;
    runtime_post(runtime, &ask->command);
}

int chaos_steady_turn(struct runtime *runtime, struct chaos_shared *shared, uint64_t *next)
{
    int64_t from_us = shared->steady_us, end_us = shared->steady_end_us, now_us = clock_mono_us();
    if (from_us == 0 || now_us >= end_us) {
        *next = 0;
        return -1;
    }
    uint64_t due = (uint64_t)((now_us - from_us) / CHAOS_PERIOD_US);
    if (*next == 0) /* a new coordinator: what was due before it came is lost */
        *next = due + 1;
    for (; *next <= due; ++*next)
        ask_now(runtime, shared, *next, from_us + (int64_t)*next * CHAOS_PERIOD_US);
    return (int)((from_us + (int64_t)*next * CHAOS_PERIOD_US - now_us) / 1000 + 1);
}
