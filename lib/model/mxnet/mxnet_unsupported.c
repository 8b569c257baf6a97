// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/mxnet_unsupported.h"

#include <string.h>

#include "base/error.h"

void cop_unsupported_add_operator(struct mxnet_unsupported *list, const struct mxnet_node *node)
{
    int i = 0;
    while (i < list->operator_count && strcmp(list->operators[i]->op, node->op) != 0)
        i++;
    if (i == COP_MAX_UNSUPPORTED_OPERATORS) {
        list->further++;
        return;
    }
    if (i == list->operator_count)
        list->operators[list->operator_count++] = node;
    list->operator_nodes[i]++;
}

void cop_unsupported_add_use(struct mxnet_unsupported *list, const char *message)
{
    if (list->use_count == COP_MAX_UNSUPPORTED_USES) {
        list->further++;
        return;
    }
    cop_text_add(&list->uses, "; %.200s", message);
    list->use_count++;
}

static void add_operators(const struct mxnet_unsupported *list, struct text *text)
{
    for (int i = 0; i < list->operator_count; i++) {
        const struct mxnet_node *node = list->operators[i];
        cop_text_add(text, "; operator '%.64s' (node '%.64s'", node->op, node->name);
        if (list->operator_nodes[i] > 1)
            cop_text_add(text, " and %d more", list->operator_nodes[i] - 1);
        cop_text_add(text, ")%s", node->has_subgraphs ? " with subgraphs" : "");
    }
}

cop_status cop_unsupported_report(struct mxnet_unsupported *list, int symbol_version,
                                  cop_error *error)
{
    if (list->operator_count + list->use_count == 0)
        return COP_STATUS_OK;
    struct text text = {0};
    add_operators(list, &text);
    if (list->use_count > 0)
        cop_text_add(&text, "%s", list->uses.failed ? "" : list->uses.bytes);
    if (list->further > 0)
        cop_text_add(&text, "; and %d more", list->further);
    cop_status status;
    if (text.failed || list->uses.failed)
        status = cop_fail_memory(error, "the list of what is not supported", 0);
    else
        status =
            cop_fail(error, COP_STATUS_UNSUPPORTED,
                     "not supported of this symbol of MXNet %d.%d.%d: %s", symbol_version / 10000,
                     symbol_version / 100 % 100, symbol_version % 100, text.bytes + 2);
    cop_text_free(&text);
    return status;
}

void cop_unsupported_release(struct mxnet_unsupported *list)
{
    cop_text_free(&list->uses);
}
