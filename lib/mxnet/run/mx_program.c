// SPDX-License-Identifier: Apache-2.0
/* What a program knows before it sees an array: its inputs, their roles, its outputs. */
#include "mxnet/run/mx_program.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "mxnet/run/mx_program_parts.h"

/* What an operator uses one of its inputs for. */
static enum slot_role role_of_use(const struct mx_node *node, int slot)
{
    const struct mxnet_operator *mapping = node->op->mapping;
    return mapping == NULL || mapping->slots[0] == '*' ? SLOT_TENSOR
                                                       : cop_mxnet_slot(mapping, slot, NULL);
}

/* The role of a variable is the widest of its uses: what is data anywhere is data. */
static enum mx_input_role join_roles(enum mx_input_role so_far, enum slot_role use)
{
    enum mx_input_role role = MX_INPUT_RUN_TIME;
    if (use == SLOT_LABEL)
        role = MX_INPUT_LABEL;
    else if (use != SLOT_TENSOR)
        role = MX_INPUT_PARAMETER;
    if (so_far == MX_INPUT_UNUSED || so_far == role)
        return role;
    if (so_far == MX_INPUT_RUN_TIME || role == MX_INPUT_RUN_TIME)
        return MX_INPUT_RUN_TIME;
    return MX_INPUT_PARAMETER; /* a parameter and a label */
}

static void find_roles(struct mx_program *program, int *input_of_node)
{
    const struct mx_order *order = &program->order;
    for (size_t i = 0; i < order->count; i++) {
        const struct mx_node *node = order->nodes[i];
        if (node->op == NULL)
            continue;
        for (int j = 0; j < node->input_count; j++) {
            const int used = input_of_node[cop_mx_order_find(order, node->inputs[j].node)];
            if (used >= 0)
                program->inputs[used].role =
                    join_roles(program->inputs[used].role, role_of_use(node, j));
        }
        const struct mx_attributes attributes = cop_mx_node_attributes(node);
        program->trains_differently |= cop_mx_operator_trains_differently(node->op, &attributes);
    }
}

static cop_status list_inputs(struct mx_program *program, int *input_of_node, cop_error *error)
{
    int *nodes;
    size_t count;
    COP_TRY(cop_mx_order_inputs(&program->order, MX_INPUTS_ALL, &nodes, &count, error));
    program->inputs = cop_alloc(count, sizeof *program->inputs);
    for (size_t i = 0; i < count && program->inputs != NULL; i++) {
        const struct mx_node *node = program->order.nodes[nodes[i]];
        program->inputs[i] =
            (struct mx_program_input){.name = node->name, .node = nodes[i], .computed = -1};
        input_of_node[nodes[i]] = (int)i;
    }
    cop_free(nodes);
    if (program->inputs == NULL)
        return cop_fail_memory(error, "a program's inputs", count * sizeof *program->inputs);
    program->input_count = (int)count;
    find_roles(program, input_of_node);
    return COP_STATUS_OK;
}

/* How many outputs before this one are the same; `seen` counts the outputs of each node so far. */
static int count_earlier(const struct mx_program *program, int output, int *seen)
{
    const struct mx_program_output *own = &program->outputs[output];
    int earlier = 0;
    if (seen[own->node]++ == 0)
        return 0;
    for (int i = 0; i < output; i++)
        earlier += program->outputs[i].node == own->node && program->outputs[i].index == own->index;
    return earlier;
}

/* Outputs that occur before get names of their own, as they get memory of their own. */
static char *name_output(const struct mx_entry *entry, int earlier)
{
    char *name = cop_mx_entry_name(entry->node, entry->index);
    if (earlier == 0 || name == NULL)
        return name;
    struct text text = {0};
    cop_text_add(&text, "%s_copy%d_output", entry->node->name, earlier - 1);
    cop_free(name);
    return cop_text_take(&text);
}

static cop_status list_outputs(struct mx_program *program, const int *input_of_node, int *seen,
                               cop_error *error)
{
    const struct mx_symbol *symbol = program->symbol;
    program->outputs = cop_alloc((size_t)symbol->output_count, sizeof *program->outputs);
    if (program->outputs == NULL)
        return cop_fail_memory(error, "a program's outputs", sizeof *program->outputs);
    for (int i = 0; i < symbol->output_count; i++) {
        const struct mx_entry *entry = &symbol->outputs[i];
        struct mx_program_output *output = &program->outputs[program->output_count++];
        output->node = cop_mx_order_find(&program->order, entry->node);
        output->index = entry->index;
        output->input = input_of_node[output->node];
        output->name = name_output(entry, count_earlier(program, i, seen));
        if (output->name == NULL)
            return cop_fail_memory(error, "the names of outputs", 0);
        program->computed_count += output->input < 0;
    }
    return COP_STATUS_OK;
}

/* The symbol of the outputs that take computing. */
static cop_status make_computed(struct mx_program *program, cop_error *error)
{
    if (program->computed_count == 0)
        return COP_STATUS_OK;
    const size_t count = (size_t)program->output_count;
    struct mx_symbol **parts = cop_alloc(count, sizeof *parts);
    size_t part_count = 0;
    cop_status status =
        parts == NULL ? cop_fail_memory(error, "a program", count * sizeof *parts) : COP_STATUS_OK;
    for (size_t i = 0; i < count && status == COP_STATUS_OK; i++)
        if (program->outputs[i].input < 0) {
            status = cop_mx_symbol_output(program->symbol, i, &parts[part_count], error);
            part_count += status == COP_STATUS_OK;
        }
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_create_group(parts, part_count, &program->computed, error);
    for (size_t i = 0; i < part_count; i++)
        cop_mx_symbol_destroy(parts[i]);
    cop_free(parts);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_order(program->computed, &program->computed_order, error);
    for (int i = 0; i < program->input_count && status == COP_STATUS_OK; i++)
        program->inputs[i].computed = cop_mx_order_find(
            &program->computed_order, program->order.nodes[program->inputs[i].node]);
    return status;
}

static cop_status list_both(struct mx_program *program, cop_error *error)
{
    const size_t count = program->order.count;
    int *input_of_node = cop_alloc(count, sizeof *input_of_node);
    int *seen = cop_alloc(count, sizeof *seen);
    cop_status status = COP_STATUS_OK;
    if (input_of_node == NULL || seen == NULL)
        status = cop_fail_memory(error, "a program", 2 * count * sizeof *seen);
    else
        memset(input_of_node, -1, count * sizeof *input_of_node);
    if (status == COP_STATUS_OK)
        status = list_inputs(program, input_of_node, error);
    if (status == COP_STATUS_OK)
        status = list_outputs(program, input_of_node, seen, error);
    cop_free(input_of_node);
    cop_free(seen);
    return status;
}

static void destroy_program(struct mx_program *program)
{
    struct mx_binding_list *list = atomic_load(&program->bindings);
    for (int i = 0; list != NULL && i < list->count; i++)
        cop_mx_binding_destroy(list->bindings[i]);
    cop_free(list);
    cop_mx_epochs_close(&program->epochs);
    for (int i = 0; i < program->output_count; i++)
        cop_free(program->outputs[i].name);
    cop_free(program->outputs);
    cop_free(program->inputs);
    cop_mx_order_free(&program->computed_order);
    cop_mx_symbol_destroy(program->computed);
    cop_mx_order_free(&program->order);
    cop_mx_symbol_destroy(program->symbol);
    cop_lock_destroy(&program->lock);
    cop_free(program);
}

cop_status cop_mx_program_create(const struct mx_symbol *symbol,
                                 const struct mx_program_options *options,
                                 struct mx_program **program, cop_error *error)
{
    struct mx_program *made = cop_alloc_aligned(sizeof *made); /* for the readers' counters */
    *program = NULL;
    if (made == NULL)
        return cop_fail_memory(error, "a program", sizeof *made);
    memset(made, 0, sizeof *made);
    cop_refcount_init(&made->refs);
    cop_lock_init(&made->lock, LOCK_ABOVE);
    cop_mx_epochs_init(&made->epochs);
    made->most_operators = COP_MX_MAX_OPERATORS;
    if (options != NULL && options->most_operators > 0)
        made->most_operators = options->most_operators;
    atomic_init(&made->packs_nothing, options != NULL && options->packs_nothing);
    cop_status status = cop_mx_symbol_copy(symbol, &made->symbol, error);
    if (status == COP_STATUS_OK)
        status = cop_mx_symbol_order(made->symbol, &made->order, error);
    if (status == COP_STATUS_OK)
        status = list_both(made, error);
    if (status == COP_STATUS_OK)
        status = make_computed(made, error);
    if (status == COP_STATUS_OK)
        *program = made;
    else
        destroy_program(made);
    return status;
}

struct mx_program *cop_mx_program_retain(struct mx_program *program)
{
    cop_refcount_retain(&program->refs);
    return program;
}

void cop_mx_program_release(struct mx_program **program)
{
    struct mx_program *old = *program;
    *program = NULL;
    if (old != NULL && cop_refcount_release(&old->refs))
        destroy_program(old);
}

size_t cop_mx_program_input_count(const struct mx_program *program)
{
    return (size_t)program->input_count;
}

size_t cop_mx_program_output_count(const struct mx_program *program)
{
    return (size_t)program->output_count;
}

const char *cop_mx_program_input_name(const struct mx_program *program, size_t index)
{
    return program->inputs[index].name;
}

bool cop_mx_program_input_is_parameter(const struct mx_program *program, size_t index)
{
    return program->inputs[index].role == MX_INPUT_PARAMETER;
}

const char *cop_mx_program_output_name(const struct mx_program *program, size_t index)
{
    return program->outputs[index].name;
}

int cop_mx_program_output_input(const struct mx_program *program, size_t index)
{
    return program->outputs[index].input;
}

bool cop_mx_program_trains_differently(const struct mx_program *program)
{
    return program->trains_differently;
}

struct mx_program_stats cop_mx_program_get_stats(struct mx_program *program)
{
    cop_lock_acquire(&program->lock);
    const struct mx_binding_list *list = atomic_load(&program->bindings);
    struct mx_program_stats stats = {
        .bindings_made = program->bindings_made,
        .operators_made = program->operators_made,
        .bindings = list == NULL ? 0 : (size_t)list->count,
        .retired = program->epochs.retired_count,
        .takes_parameters_at_run_time = atomic_load(&program->packs_nothing),
    };
    for (int i = 0; list != NULL && i < list->count; i++) {
        const struct mx_compiled_list *operators = atomic_load(&list->bindings[i]->operators);
        stats.operators += operators == NULL ? 0 : (size_t)operators->count;
    }
    cop_lock_release(&program->lock);
    return stats;
}
