/* The command line: one command = one file + one row of cmd_list.h. Options, --help, xatop(1) and the completion come
 * from the same tables. Main thread only.
 *
 * A command gets its options parsed and checked in app->values[] (index = row of its option table). It prints its result
 * (JSON exactly if app->json) and returns a status; if app->err is filled in, main prints it as "xatop: ..." on stderr.
 * The exit code is status_exit_code of what it returns. */
#ifndef XATOP_CMD_H
#define XATOP_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "xatop/cmd_list.h"
#include "xatop/configuration.h"
#include "xatop/status.h"

enum {
    CMD_NODES = 1,      /* talks to the nodes: passwords are read before it runs */
    CMD_ARGUMENTS = 2,  /* takes words after its name; else any is an error */
    CMD_JSON_LINES = 4, /* --json prints JSON Lines */
    CMD_OPTIONS_MAX = 12,
    CMD_FAULTS_MAX = 16,
};

enum option_kind {
    OPTION_FLAG,
    OPTION_STRING, /* 1 to 1000 bytes */
    OPTION_INT,    /* in [min, max] */
    OPTION_MONEY,  /* above zero: number = minor units */
    OPTION_LIST,   /* repeatable string: app->faults */
    OPTION_WIRE,   /* statement, packet: number 0, 1 */
    OPTION_SEED,   /* optional argument: unsigned number */
    OPTION_SHELL   /* bash */
};

struct option_spec { /* a table ends with a row without a name */
    const char *name; /* as typed, without -- */
    char letter;
    enum option_kind kind;
    const char *argument; /* "FILE"; "" for a flag */
    const char *help;
    int64_t min, max; /* INT */
    bool required;
};

struct option_value {
    bool given;
    const char *string; /* as typed; argv's */
    int64_t number;     /* INT, MONEY (minor units), WIRE, SEED */
};

enum global_option {
#define X(name, word, letter, kind, argument, help) GLOBAL_##name,
    XATOP_GLOBAL_OPTION_LIST(X)
#undef X
    GLOBAL_OPTIONS
};

struct app;

struct cmd {
    const char *name, *usage, *help;
    unsigned flags;
    const struct option_spec *options;
    enum status (*run)(struct app *app);
};

struct app {
    const struct cmd *command; /* NULL: the console */
    struct option_value globals[GLOBAL_OPTIONS];
    struct option_value values[CMD_OPTIONS_MAX]; /* of the command's own options */
    const char *faults[CMD_FAULTS_MAX];
    int fault_count;
    const char **words; /* after the command's name */
    int word_count;
    bool json, readonly, verbose, quiet;
    struct configuration configuration;
    char state_dir[1024]; /* absolute; may not exist yet */
    FILE *out;            /* results go here */
    struct err err;
};

#define X(name, usage, flags, help)                                                                         \
    enum status cmd_##name(struct app *app);                                                                \
    extern const struct option_spec cmd_##name##_options[];
XATOP_CMD_LIST(X)
#undef X

/* No command: the console on the real coordinator (src/cmd/console_app.c). */
enum status console_app(struct app *app);

extern const struct cmd cmd_table[]; /* ends with a row without a name */
extern const struct option_spec global_options[];
const struct cmd *cmd_find(const char *name);

/* Parse the whole line; @words has room for argc strings. Global options stand anywhere, a command's own after its name. */
enum status options_parse(struct app *app, int argc, char **argv, const char **words);

void help_print(const struct cmd *command /* NULL: of the program */, FILE *out);
void help_print_man(FILE *out); /* options and commands as man page macros, for xatop(1) */
void help_print_completion(FILE *out);

/* --- what commands share (src/cmd/app.c) --- */
/* Make the state directory 0700 if it is missing, and open the program log in it; STATUS_STATE if it is no directory, somebody else's, or cannot be written. */
enum status app_state_create(struct app *app);
/* For every command that changes shared state: STATUS_REFUSED with words under --readonly, else STATUS_OK. */
enum status app_may_change(struct app *app, const char *what);
/* Ask a yes/no question on the terminal. False for no, and if there is no terminal. */
bool app_ask(const char *question);
/* Print a line for people, unless --json or --quiet. */
void app_say(struct app *app, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- JSON to a stream, allocates nothing (src/cmd/json_out.c); every string is sanitised --- */
struct json {
    FILE *out;
    unsigned depth;
    bool comma[16];
};
void json_begin(struct json *json, FILE *out); /* opens the object */
void json_finish(struct json *json);           /* closes it, and the line */
/* @key NULL: inside an array. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_close(struct json *json, char bracket /* '}' or ']' */);
void json_string(struct json *json, const char *key, const char *value); /* NULL value: null */
void json_int(struct json *json, const char *key, int64_t value);
void json_money(struct json *json, const char *key, int64_t minor); /* a number with two decimals */
void json_ms(struct json *json, const char *key, int64_t us); /* microseconds as milliseconds with three decimals */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

#endif
