/* The fault language as the console gets it: every kind and point, all nodes may be struck but the last of @node_count. */
#ifndef XATOP_TESTS_FAULT_MENU_H
#define XATOP_TESTS_FAULT_MENU_H

#include "xatop/console.h"
#include "xatop/fault.h"

static inline struct console_faults fault_menu(uint8_t node_count)
{
    static struct console_fault_kind kinds[16];
    static struct console_fault_point points[POINTS];
    struct console_faults menu = {.kinds = kinds, .points = points};
    for (int point = POINT_NONE + 1; point < POINTS; point++)
        points[menu.point_count++] = (struct console_fault_point){
            .name = point_name((enum point)point), .per_node = point_per_node((enum point)point)};
    for (const struct fault_kind *const *kind = fault_kinds(); *kind && menu.kind_count < 16; kind++) {
        bool strikes = fault_act_harms((*kind)->act);
        struct console_fault_kind *row = &kinds[menu.kind_count++];
        *row = (struct console_fault_kind){.name = (*kind)->name,
                                           .help = (*kind)->help,
                                           .takes_ms = (*kind)->takes_ms,
                                           .strikes = strikes,
                                           .nodes = UINT16_MAX};
        if (strikes && node_count > 0)
            row->nodes &= (uint16_t) ~(1u << (node_count - 1));
        for (uint8_t i = 0; i < menu.point_count; i++)
            row->points |= fault_kind_fits(*kind, (enum point)(i + 1)) ? UINT32_C(1) << i : 0;
    }
    return menu;
}

#endif
