#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_freeze;
const struct fault_kind fault_kind_freeze = {
    .name = "freeze",
    .help = N_("the node is stopped (SIGSTOP) until it is thawed; lab nodes only"),
    .act = FAULT_FREEZE,
    .takes_ms = false,
    .at_decide = true,
    .at_message = true,
    .at_step = true,
    .needs = FAULT_NEEDS_PROCESS,
};
