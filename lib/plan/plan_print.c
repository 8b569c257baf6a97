// SPDX-License-Identifier: Apache-2.0
/* A plan as a table, as a drawing for Graphviz, or as JSON. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "plan/plan.h"

#define COLUMNS 8

static const char *const headings[COLUMNS] = {"step", "op",    "kernel", "src",
                                              "dst",  "bytes", "place",  "name (+ fused)"};

/* The results of a step, counted once each. */
static size_t dst_bytes(const struct plan_step *step)
{
    size_t bytes = 0;
    for (int i = 0; i < step->kernel->dst_count; i++)
        if (step->dst[i].place != OPERAND_NONE)
            bytes += step->dst_tensors[i].bytes;
    return bytes;
}

static void add_tensor(struct text *text, const struct plan_tensor *tensor)
{
    cop_text_add(text, "%s", cop_shape_text(&tensor->shape).text);
    if (strcmp(tensor->layout, "plain") != 0)
        cop_text_add(text, " %s", tensor->layout);
}

static void add_place(struct text *text, const struct operand *operand)
{
    static const char *const names[] = {
        [OPERAND_NONE] = "none", [OPERAND_ARENA] = "arena", [OPERAND_WEIGHT] = "weight",
        [OPERAND_SRC] = "input", [OPERAND_DST] = "output",  [OPERAND_DEVICE_ARENA] = "device arena",
    };
    if (operand->place == OPERAND_ARENA || operand->place == OPERAND_DEVICE_ARENA)
        cop_text_add(text, "%s+%zu", names[operand->place], operand->offset);
    else if (operand->place == OPERAND_NONE)
        cop_text_add(text, "none");
    else
        cop_text_add(text, "%s %d", names[operand->place], operand->index);
}

/* One cell of the table; sources that are weights are left out of it. */
static void add_cell(struct text *text, const struct plan *plan, int index, int column)
{
    const struct plan_step *step = &plan->steps[index];
    const struct kernel *kernel = step->kernel;
    switch (column) {
    case 0:
        cop_text_add(text, "%d", index);
        break;
    case 1:
        cop_text_add(text, "%s", step->op_name);
        break;
    case 2:
        cop_text_add(text, "%s", kernel->implementation);
        break;
    case 3:
        for (int i = 0, added = 0; i < kernel->src_count; i++) {
            if (step->src[i].place == OPERAND_NONE || step->src[i].place == OPERAND_WEIGHT)
                continue;
            cop_text_add(text, "%s", added++ > 0 ? ", " : "");
            add_tensor(text, &step->src_tensors[i]);
        }
        break;
    case 4:
        add_tensor(text, &step->dst_tensors[0]);
        break;
    case 5:
        cop_text_add(text, "%zu", dst_bytes(step));
        break;
    case 6:
        add_place(text, &step->dst[0]);
        break;
    default:
        cop_text_add(text, "%s%s%s", step->name, step->fused[0] == '\0' ? "" : " + ", step->fused);
    }
}

static void add_row(struct text *text, const char *const cells[COLUMNS],
                    const size_t widths[COLUMNS])
{
    for (int i = 0; i < COLUMNS - 1; i++)
        cop_text_add(text, "%-*s  ", (int)widths[i], cells[i]);
    cop_text_add(text, "%s\n", cells[COLUMNS - 1]);
}

/* Columns are as wide as their widest cell, within reason. */
#define WIDEST_COLUMN 60

static void add_table(struct text *text, const struct plan *plan)
{
    size_t widths[COLUMNS];
    struct text cell = {0};
    for (int i = 0; i < COLUMNS; i++)
        widths[i] = strlen(headings[i]);
    for (int i = 0; i < plan->step_count * (COLUMNS - 1) && !cell.failed; i++) {
        const int column = i % (COLUMNS - 1);
        cell.length = 0;
        add_cell(&cell, plan, i / (COLUMNS - 1), column);
        if (cell.length > widths[column])
            widths[column] = cell.length < WIDEST_COLUMN ? cell.length : WIDEST_COLUMN;
    }
    add_row(text, headings, widths);
    for (int i = 0; i < plan->step_count && !cell.failed; i++) {
        for (int column = 0; column < COLUMNS; column++) {
            cell.length = 0;
            add_cell(&cell, plan, i, column);
            const char *content = cell.length == 0 || cell.bytes == NULL ? "" : cell.bytes;
            if (column + 1 < COLUMNS)
                cop_text_add(text, "%-*s  ", (int)widths[column], content);
            else
                cop_text_add(text, "%s\n", content);
        }
    }
    text->failed |= cell.failed;
    cop_text_free(&cell);
}

static void print_text(struct text *text, const struct plan *plan)
{
    cop_text_add(text, "device %s, %d thread%s a call, %d steps, %d weights\n",
                 plan->devices.devices[0]->name, plan->intra_op_threads,
                 plan->intra_op_threads == 1 ? "" : "s", plan->step_count, plan->weight_count);
    cop_text_add(text, "a context takes %zu bytes of arena and %zu of state, the plan %zu\n",
                 plan->arena_bytes, plan->state_bytes, plan->plan_bytes);
    if (plan->device_arena_bytes > 0)
        cop_text_add(text, "on the device it takes %zu bytes of arena; %d recordings\n",
                     plan->device_arena_bytes, plan->segment_count);
    cop_text_add(text, "\n");
    add_table(text, plan);
}

static void add_json_string(struct text *text, const char *key, const char *value)
{
    cop_text_add(text, "\"%s\": \"", key);
    cop_text_add_json(text, value);
    cop_text_add(text, "\"");
}

static void add_json_shape(struct text *text, int rank, const int64_t *dims)
{
    cop_text_add(text, "\"shape\": [");
    for (int i = 0; i < rank; i++)
        cop_text_add(text, "%s%" PRId64, i == 0 ? "" : ", ", dims[i]);
    cop_text_add(text, "]");
}

static void add_json_operands(struct text *text, const char *key, int count,
                              const struct operand *operands, const struct plan_tensor *tensors)
{
    static const char *const places[] = {
        [OPERAND_NONE] = "none",
        [OPERAND_ARENA] = "arena",
        [OPERAND_DEVICE_ARENA] = "device_arena",
        [OPERAND_WEIGHT] = "weight",
        [OPERAND_SRC] = "src",
        [OPERAND_DST] = "dst",
    };
    cop_text_add(text, "\"%s\": [", key);
    for (int i = 0; i < count; i++) {
        cop_text_add(text, "%s{\"place\": \"%s\"", i == 0 ? "" : ", ", places[operands[i].place]);
        if (operands[i].place != OPERAND_NONE) {
            cop_text_add(text, ", \"index\": %d, \"offset\": %zu, \"bytes\": %zu, ",
                         operands[i].index, operands[i].offset, tensors[i].bytes);
            add_json_string(text, "name", tensors[i].name);
            cop_text_add(text, ", ");
            add_json_string(text, "dtype", cop_dtype_name(tensors[i].dtype));
            cop_text_add(text, ", ");
            add_json_string(text, "layout", tensors[i].layout);
            cop_text_add(text, ", ");
            add_json_shape(text, tensors[i].shape.rank, tensors[i].shape.dims);
        }
        cop_text_add(text, "}");
    }
    cop_text_add(text, "]");
}

static void add_json_descs(struct text *text, const char *key, int count,
                           const cop_tensor_desc *descs)
{
    cop_text_add(text, "  \"%s\": [", key);
    for (int i = 0; i < count; i++) {
        cop_text_add(text, "%s{", i == 0 ? "" : ", ");
        add_json_string(text, "name", descs[i].name);
        cop_text_add(text, ", ");
        add_json_string(text, "dtype", cop_dtype_name(descs[i].dtype));
        cop_text_add(text, ", ");
        add_json_shape(text, descs[i].rank, descs[i].shape);
        cop_text_add(text, "}");
    }
    cop_text_add(text, "],\n");
}

static void add_json_outputs(struct text *text, const struct plan *plan, uint64_t outputs)
{
    int added = 0;
    cop_text_add(text, "\"needed_by\": [");
    for (int i = 0; i < plan->dst_count; i++)
        if (outputs & cop_output_bit((size_t)i))
            cop_text_add(text, "%s%d", added++ == 0 ? "" : ", ", i);
    cop_text_add(text, "]");
}

static void print_json(struct text *text, const struct plan *plan)
{
    cop_text_add(text, "{\n  ");
    add_json_string(text, "device", plan->devices.devices[0]->name);
    cop_text_add(text,
                 ",\n  \"intra_op_threads\": %d,\n  \"arena_bytes\": %zu,\n  "
                 "\"device_arena_bytes\": %zu,\n  \"state_bytes\": %zu,\n  \"plan_bytes\": "
                 "%zu,\n  \"weights\": %d,\n",
                 plan->intra_op_threads, plan->arena_bytes, plan->device_arena_bytes,
                 plan->state_bytes, plan->plan_bytes, plan->weight_count);
    add_json_descs(text, "inputs", plan->src_count, plan->srcs);
    add_json_descs(text, "outputs", plan->dst_count, plan->dsts);
    cop_text_add(text, "  \"steps\": [");
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        cop_text_add(text, "%s\n    {\"step\": %d, ", i == 0 ? "" : ",", i);
        add_json_string(text, "name", step->name);
        cop_text_add(text, ", ");
        add_json_string(text, "op", step->op_name);
        cop_text_add(text, ", ");
        add_json_string(text, "kernel", step->kernel->implementation);
        cop_text_add(text, ", ");
        add_json_string(text, "backend", step->kernel->backend->name);
        cop_text_add(text, ", ");
        add_json_string(text, "fused", step->fused);
        cop_text_add(text, ", \"scratch_bytes\": %zu, \"recording\": %d, ",
                     step->kernel->scratch_bytes, step->segment);
        add_json_outputs(text, plan, step->needed_by);
        cop_text_add(text, ", ");
        add_json_operands(text, "src", step->kernel->src_count, step->src, step->src_tensors);
        cop_text_add(text, ", ");
        add_json_operands(text, "dst", step->kernel->dst_count, step->dst, step->dst_tensors);
        cop_text_add(text, "}");
    }
    cop_text_add(text, "\n  ]\n}\n");
}

/* Memory that several steps use has one box for each time that it is written. */
static void add_dot_source(struct text *text, const struct plan *plan, int index, int src)
{
    const struct plan_step *step = &plan->steps[index];
    const struct operand *wanted = &step->src[src];
    if (wanted->place == OPERAND_SRC) {
        cop_text_add(text, "  input%d -> step%d;\n", wanted->index, index);
        return;
    }
    if (wanted->place == OPERAND_NONE || wanted->place == OPERAND_WEIGHT)
        return;
    /* The writers that this read can see: the last one before it in the same place. */
    const size_t begin = wanted->offset, end = begin + step->src_tensors[src].bytes;
    for (int i = index - 1; i >= 0; i--) {
        bool covers = false;
        for (int j = 0; j < plan->steps[i].kernel->dst_count; j++) {
            const struct operand *dst = &plan->steps[i].dst[j];
            const size_t dst_end = dst->offset + plan->steps[i].dst_tensors[j].bytes;
            if (dst->place != wanted->place || dst->index != wanted->index || dst->offset >= end ||
                dst_end <= begin)
                continue;
            cop_text_add(text, "  step%d -> step%d;\n", i, index);
            covers |= dst->offset <= begin && dst_end >= end;
        }
        if (covers)
            return;
    }
}

static void print_dot(struct text *text, const struct plan *plan)
{
    cop_text_add(text, "digraph plan {\n  node [shape=box, fontsize=10];\n");
    for (int i = 0; i < plan->src_count; i++) {
        cop_text_add(text, "  input%d [shape=ellipse, label=\"", i);
        cop_text_add_json(text, plan->srcs[i].name);
        cop_text_add(text, "\"];\n");
    }
    for (int i = 0; i < plan->dst_count; i++) {
        cop_text_add(text, "  output%d [shape=ellipse, label=\"", i);
        cop_text_add_json(text, plan->dsts[i].name);
        cop_text_add(text, "\"];\n");
    }
    for (int i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        cop_text_add(text, "  step%d [label=\"%s ", i, step->op_name);
        cop_text_add_json(text, step->name);
        if (step->fused[0] != '\0') {
            cop_text_add(text, " + ");
            cop_text_add_json(text, step->fused);
        }
        cop_text_add(text, "\\n%s %s\\n%s %zu bytes\"];\n", step->kernel->implementation,
                     step->dst_tensors[0].layout, cop_shape_text(&step->dst_tensors[0].shape).text,
                     dst_bytes(step));
        for (int j = 0; j < step->kernel->src_count; j++)
            add_dot_source(text, plan, i, j);
        for (int j = 0; j < step->kernel->dst_count; j++)
            if (step->dst[j].place == OPERAND_DST)
                cop_text_add(text, "  step%d -> output%d;\n", i, step->dst[j].index);
    }
    cop_text_add(text, "}\n");
}

cop_status cop_plan_print(const struct plan *plan, cop_plan_format format, char **text,
                          cop_error *error)
{
    struct text made = {0};
    *text = NULL;
    if (format == COP_PLAN_FORMAT_TEXT)
        print_text(&made, plan);
    else if (format == COP_PLAN_FORMAT_DOT)
        print_dot(&made, plan);
    else if (format == COP_PLAN_FORMAT_JSON)
        print_json(&made, plan);
    else
        return cop_fail(error, COP_STATUS_INVALID_ARGUMENT, "plan format %d does not exist",
                        (int)format);
    *text = cop_text_take(&made);
    return *text != NULL ? COP_STATUS_OK : cop_fail_memory(error, "printed plan", 0);
}
