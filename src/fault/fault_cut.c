#include "config.h"

#include "xatop/fault.h"

#include "xatop/i18n.h"

extern const struct fault_kind fault_kind_cut;
const struct fault_kind fault_kind_cut = {
    .name = "cut",
    .help = N_("the link to the node is partitioned: bytes stop, both ends stay open; lab nodes only"),
    .act = FAULT_CUT,
    .takes_ms = false,
    .at_decide = true,
    .at_message = true,
    .at_step = true,
    .needs = FAULT_NEEDS_LINK,
};
