#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* sim [--seeds N] [--from S] [--mutant NAME] [--every-crash N] [--mutants] [--verbose] */

enum { MUTANT_SEEDS = 20000, PROGRESS = 10000 };

static const char *const mutant_names[] = {
#define X(code, word) word,
    SIM_MUTANT_LIST(X)
#undef X
        NULL,
};

struct totals {
    uint64_t schedules, commits, aborts, in_doubt, crashes, incarnations, forgotten;
};

static struct sim sim;

static void add(struct totals *totals)
{
    totals->schedules++;
    totals->commits += sim.commits;
    totals->aborts += sim.aborts;
    totals->in_doubt += sim.in_doubt;
    totals->crashes += sim.crashes;
    totals->incarnations += sim.incarnations;
    totals->forgotten += sim.forgotten;
}

/* False: a seed failed; it is told again with every event. */
static bool run_seeds(uint64_t from, uint64_t count, enum mutant mutant, bool verbose)
{
    struct totals totals = {0};
    for (uint64_t seed = from; seed < from + count; seed++) {
        struct sim_order order = {.seed = seed, .mutant = mutant, .verbose = verbose};
        sim_run(&sim, &order);
        if (sim.violation[0]) {
            printf("not ok sim: seed %llu: %s\n", (unsigned long long)seed, sim.violation);
            if (!verbose) {
                order.verbose = true;
                sim_run(&sim, &order);
                printf("seed %llu: %s\n", (unsigned long long)seed, sim.violation);
            }
            return false;
        }
        add(&totals);
        if (totals.schedules % PROGRESS == 0) {
            printf("# %llu schedules\n", (unsigned long long)totals.schedules);
            fflush(stdout);
        }
    }
    printf("ok sim: %llu schedules, %llu told committed, %llu aborted, %llu in doubt, %llu crashes of the "
           "coordinator, %llu decisions forgotten\n",
           (unsigned long long)totals.schedules, (unsigned long long)totals.commits,
           (unsigned long long)totals.aborts, (unsigned long long)totals.in_doubt,
           (unsigned long long)totals.crashes, (unsigned long long)totals.forgotten);
    /* a quiet run proves nothing */
    bool enough = count < 1000 || (totals.commits > count / 4 && totals.aborts > count / 20 &&
                                   totals.crashes > count / 4 && totals.forgotten > count / 100);
    if (!enough)
        printf("not ok sim: too little happened\n");
    return enough;
}

static bool mutants_caught(void)
{
    bool all = true;
    for (unsigned m = MUTANT_NONE + 1; m < MUTANTS; m++) {
        uint64_t seed = 1;
        do
            sim_run(&sim, &(struct sim_order){.seed = seed, .mutant = (enum mutant)m});
        while (!sim.violation[0] && seed++ < MUTANT_SEEDS);
        bool caught = sim.violation[0];
        printf("%s sim: mutant %s%s", caught ? "ok" : "not ok", mutant_names[m],
               caught ? " caught" : " not caught\n");
        if (caught)
            printf(" at seed %llu: %s\n", (unsigned long long)seed, sim.violation);
        fflush(stdout);
        all &= caught;
    }
    return all;
}

/* One order after the other until the crash would come after the end of the schedule. */
static bool crash_everywhere(struct sim_order order, uint64_t *schedules)
{
    for (;;) {
        sim_run(&sim, &order);
        ++*schedules;
        if (sim.violation[0]) {
            printf("not ok sim: seed %llu, crash at event %llu or write %llu: %s\n",
                   (unsigned long long)order.seed, (unsigned long long)order.crash_at_event,
                   (unsigned long long)order.die_at_write, sim.violation);
            order.verbose = true;
            sim_run(&sim, &order);
            return false;
        }
        if (sim.crashes == 0)
            return true;
        order.crash_at_event += order.crash_at_event > 0;
        order.die_at_write += order.die_at_write > 0;
    }
}

/* Nothing goes wrong but one death of the coordinator: after each event, with and without the machine, and inside each
 * operation on its disk. */
static bool every_crash(uint64_t seeds)
{
    uint64_t schedules = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        if (!crash_everywhere((struct sim_order){.seed = seed, .crash_at_event = 1}, &schedules) ||
            !crash_everywhere((struct sim_order){.seed = seed, .crash_at_event = 1, .power = true},
                              &schedules) ||
            !crash_everywhere((struct sim_order){.seed = seed, .die_at_write = 1}, &schedules))
            return false;
    printf("ok sim: a crash at every event and every write of %llu schedules: %llu in all\n",
           (unsigned long long)seeds, (unsigned long long)schedules);
    return true;
}

static uint64_t number(const char *word)
{
    char *end;
    uint64_t value = word ? strtoull(word, &end, 10) : 0;
    if (!word || *end != '\0' || word[0] == '-') {
        fprintf(stderr, "sim: a number is needed\n");
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    uint64_t seeds = 2000, from = 1, everywhere = argc == 1 ? 5 : 0;
    enum mutant mutant = MUTANT_NONE;
    bool verbose = false, mutants = argc == 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = number(argv[++i]);
        } else if (strcmp(argv[i], "--from") == 0) {
            from = number(argv[++i]);
        } else if (strcmp(argv[i], "--every-crash") == 0) {
            everywhere = number(argv[++i]);
        } else if (strcmp(argv[i], "--mutants") == 0) {
            mutants = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        } else if (strcmp(argv[i], "--mutant") == 0 && argv[i + 1]) {
            i++;
            while (mutant_names[mutant] && strcmp(mutant_names[mutant], argv[i]) != 0)
                mutant++;
            if (mutant == MUTANTS)
                return 2;
        } else {
            fprintf(stderr, "usage: sim [--seeds N] [--from S] [--mutant NAME] [--every-crash N] [--mutants] "
                            "[--verbose]\n");
            return 2;
        }
    }
    bool ok = run_seeds(from, seeds, mutant, verbose);
    if (everywhere > 0)
        ok &= every_crash(everywhere);
    if (mutants)
        ok &= mutants_caught();
    return ok ? 0 : 1;
}
