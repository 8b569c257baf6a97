// SPDX-License-Identifier: Apache-2.0
#include "model/mxnet/mxnet_visit.h"

#include "base/alloc.h"
#include "base/error.h"

enum visit_stage { VISIT_NONE, VISIT_OPEN, VISIT_DONE };

enum slot_role cop_mxnet_visit_role(const struct mxnet_visit *visit, int node, int input)
{
    const struct mxnet_operator *op = visit->nodes[node].op;
    return op == NULL || op->slots[0] == '*' ? SLOT_TENSOR : cop_mxnet_slot(op, input, NULL);
}

enum slot_role cop_mxnet_visit_use(const struct mxnet_visit *visit, int variable)
{
    const struct visited_node *node = &visit->nodes[variable];
    return node->parameter_of < 0 ? SLOT_TENSOR
           : node->is_auxiliary   ? SLOT_AUXILIARY
                                  : SLOT_PARAMETER;
}

/* Remembers that a variable must have a value. */
static void note_parameter(struct mxnet_visit *visit, int user, int input, enum slot_role role)
{
    struct visited_node *node = &visit->nodes[visit->symbol->nodes[user].inputs[input].node];
    if ((role != SLOT_PARAMETER && role != SLOT_AUXILIARY) || node->parameter_of >= 0)
        return;
    node->parameter_of = user;
    node->parameter_slot = (unsigned char)input; /* operators with roles have few inputs */
    node->is_auxiliary = role == SLOT_AUXILIARY;
}

struct visit_frame {
    int node, next_input;
};

/* Takes one step: into the next input, or out of the node. False: the symbol has a cycle. */
static bool step(struct mxnet_visit *visit, struct visit_frame *stack, int *depth)
{
    struct visit_frame *top = &stack[*depth - 1];
    const struct mxnet_node *node = &visit->symbol->nodes[top->node];
    if (top->next_input == node->input_count) {
        visit->nodes[top->node].stage = VISIT_DONE;
        visit->order[visit->order_count++] = top->node;
        --*depth;
        return true;
    }
    const int input = top->next_input++;
    const enum slot_role role = cop_mxnet_visit_role(visit, top->node, input);
    if (role == SLOT_LABEL) /* what only makes labels is not part of the graph */
        return true;
    note_parameter(visit, top->node, input, role);
    const int child = node->inputs[input].node;
    if (visit->nodes[child].stage == VISIT_NONE) {
        visit->nodes[child].stage = VISIT_OPEN;
        stack[(*depth)++] = (struct visit_frame){.node = child};
        return true;
    }
    return visit->nodes[child].stage == VISIT_DONE; /* an open one is what we came from */
}

static cop_status visit_from(struct mxnet_visit *visit, int head, struct visit_frame *stack,
                             cop_error *error)
{
    int depth = 0;
    if (visit->nodes[head].stage == VISIT_NONE) {
        visit->nodes[head].stage = VISIT_OPEN;
        stack[depth++] = (struct visit_frame){.node = head};
    }
    while (depth > 0)
        if (!step(visit, stack, &depth))
            return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "node '%.64s' depends on itself",
                            visit->symbol->nodes[stack[depth - 1].node].name);
    return COP_STATUS_OK;
}

/* Depth first from the heads, inputs from left to right: MXNet's order of inputs. */
cop_status cop_mxnet_visit(struct mxnet_visit *visit, const struct mxnet_symbol *symbol,
                           cop_error *error)
{
    const size_t count = (size_t)symbol->node_count;
    visit->symbol = symbol;
    visit->nodes = cop_alloc(count, sizeof *visit->nodes);
    visit->order = cop_alloc(count, sizeof *visit->order);
    struct visit_frame *stack = cop_alloc(count, sizeof *stack);
    cop_status status = COP_STATUS_OK;
    if (visit->nodes == NULL || visit->order == NULL || stack == NULL)
        status = cop_fail_memory(error, "the symbol's order", count * sizeof *stack);
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++) {
        visit->nodes[i].op = cop_mxnet_operator_find(symbol->nodes[i].op);
        visit->nodes[i].parameter_of = -1;
    }
    for (int i = 0; i < symbol->head_count && status == COP_STATUS_OK; i++)
        status = visit_from(visit, symbol->heads[i].node, stack, error);
    cop_free(stack);
    return status;
}

void cop_mxnet_visit_release(struct mxnet_visit *visit)
{
    cop_free(visit->nodes);
    cop_free(visit->order);
}
