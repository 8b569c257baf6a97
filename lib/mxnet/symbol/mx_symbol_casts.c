// SPDX-License-Identifier: Apache-2.0
/* Symbols without the casts that automatic mixed precision put in. One that is an output stays, as
 * in MXNet. */
#include <string.h>

#include "base/error.h"
#include "mxnet/symbol/mx_node.h"
#include "mxnet/symbol/mx_symbol_attributes.h"

/* What an entry stands for once the casts behind it are left out. */
static struct mx_entry skip_casts(struct mx_entry entry)
{
    while (entry.node->op != NULL) {
        const char *name = entry.node->op->name;
        if (strcmp(name, "amp_cast") == 0 && entry.node->input_count == 1)
            entry = entry.node->inputs[0];
        else if (strcmp(name, "amp_multicast") == 0 && entry.index < entry.node->input_count)
            entry = entry.node->inputs[entry.index];
        else
            break;
    }
    return entry;
}

static void replace(struct mx_entry *place)
{
    const struct mx_entry kept = skip_casts(*place);
    if (kept.node == place->node)
        return;
    struct mx_node *dropped = place->node;
    *place = cop_mx_entry_retain(kept);
    cop_mx_node_release(dropped);
}

cop_status cop_mx_symbol_without_casts(const struct mx_symbol *symbol, struct mx_symbol **plain,
                                       cop_error *error)
{
    struct mx_order order;
    COP_TRY(cop_mx_symbol_copy(symbol, plain, error));
    const cop_status status = cop_mx_symbol_order(*plain, &order, error);
    if (status != COP_STATUS_OK) {
        cop_mx_symbol_destroy(*plain);
        *plain = NULL;
        return status;
    }
    /* No node goes while we walk over them. */
    for (size_t i = 0; i < order.count; i++)
        cop_refcount_retain(&order.nodes[i]->refs);
    for (size_t i = 0; i < order.count; i++)
        for (int k = 0; k < order.nodes[i]->input_count; k++)
            replace(&order.nodes[i]->inputs[k]);
    for (size_t i = 0; i < order.count; i++)
        cop_mx_node_release(order.nodes[i]);
    cop_mx_order_free(&order);
    return COP_STATUS_OK;
}
