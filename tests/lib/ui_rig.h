/* The console without a terminal, for its unit tests: a model to be fed, keys to be pressed, a screen to be read, and what was wished. */
#ifndef XATOP_TESTS_UI_RIG_H
#define XATOP_TESTS_UI_RIG_H

#include "xatop/ui.h"

extern struct model model;
extern struct console_status status;
extern struct ui ui;
extern struct canvas canvas;
extern struct console_ports ports;
extern enum console_wish wished;
extern int wish_number, wishes, looks;
extern char wish_words[200], wish_xid[200];
extern uint32_t unfinished_count;
extern const char *answered, *answered_xid;
extern char shown[600000];

struct trace_event event(enum trace_kind kind, uint64_t txn);
void apply(const struct trace_event *e);
void begin(uint64_t txn, int64_t branches, const char *meaning);
void message(uint64_t txn, int8_t number, unsigned verbs, enum reply result);
void commits(uint64_t txn);
void snap(void);
void fresh_with(uint8_t nodes);
void fresh(void);
const char *screen(void);
bool shows(const char *words);
void press(const char *keys);
void node_is(int8_t number, enum node_state what);
void sweep(int64_t nodes, int64_t unread, int64_t foreign);
void verdict(uint64_t txn, int8_t node, enum verdict what, enum recovery_rule rule, const char *xid);
void arm(const char *spec);

#endif
