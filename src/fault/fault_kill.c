#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_kill;
const struct fault_kind fault_kind_kill = {
    .name = "kill",
    .help = N_("the node is killed (SIGKILL) before what passes goes on; lab nodes only"),
    .act = FAULT_KILL,
    .takes_ms = false,
    .at_decide = true,
    .at_message = true,
    .at_step = true,
    .needs = FAULT_NEEDS_PROCESS,
};
