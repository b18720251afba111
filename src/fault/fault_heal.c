#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_heal;
const struct fault_kind fault_kind_heal = {
    .name = "heal",
    .help = N_("the link to the node is whole again; lab nodes only"),
    .act = FAULT_HEAL,
    .takes_ms = false,
    .at_decide = true,
    .at_message = true,
    .at_step = true,
    .needs = FAULT_NEEDS_LINK,
};
