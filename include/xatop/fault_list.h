/* Kinds of faults, one row each: src/fault/fault_KIND.c defines fault_kind_KIND. The order is that of the
 * help. */
#ifndef XATOP_FAULT_LIST_H
#define XATOP_FAULT_LIST_H

#define XATOP_FAULT_LIST(X) X(crash) X(drop) X(delay) X(refuse) X(kill) X(freeze) X(cut) X(heal) X(logfail)

#endif
