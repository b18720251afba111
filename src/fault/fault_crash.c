#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_crash;
const struct fault_kind fault_kind_crash = {
    .name = "crash",
    .help = N_("the coordinator ends at once, nothing flushed, nothing told"),
    .act = FAULT_CRASH,
    .takes_ms = false,
    .at_decide = true,
    .at_message = true,
    .at_step = true,
};
