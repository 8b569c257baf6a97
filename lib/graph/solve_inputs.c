// SPDX-License-Identifier: Apache-2.0
/*
 * What MXNet's inputs must be, from the weights behind them. The rules give rank and channels going
 * backward from convolutions; what they leave open is tried: an image size fits when no rule
 * contradicts a weight's shape.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

#define LARGEST_SIZE 1024

/* Edges that all tries together may look at: seconds at the most, whatever the graph. */
#define MAX_TRIED_STEPS (20 * 1000 * 1000)

struct solving {
    struct shape_walk walk;
    struct graph_value *before; /* the values before a try */
};

static struct graph_value *input_value(const struct graph *graph, int input)
{
    return &graph->values[graph->inputs[input].value];
}

/* Keeps what was learned: a later try starts from here. */
static void keep(struct solving *solving)
{
    struct shape_walk *walk = &solving->walk;
    for (int i = 0; i < walk->changed_count; i++) {
        const int value = walk->changed[i];
        solving->before[value] = walk->graph->values[value];
        walk->is_changed[value] = 0;
    }
    walk->changed_count = 0;
}

static void undo(struct solving *solving)
{
    struct shape_walk *walk = &solving->walk;
    for (int i = 0; i < walk->changed_count; i++) {
        const int value = walk->changed[i];
        walk->graph->values[value] = solving->before[value];
        walk->is_changed[value] = 0;
    }
    walk->changed_count = 0;
    memset(walk->is_dirty, 0, (size_t)walk->graph->node_count);
    walk->dirty_count = 0;
}

/* Whether inference may go on with another try after this status. */
static bool is_misfit(cop_status status)
{
    return status == COP_STATUS_MALFORMED_MODEL || status == COP_STATUS_UNSUPPORTED ||
           status == COP_STATUS_INVALID_ARGUMENT;
}

static bool set_dim(struct solving *solving, int input, int axis, int64_t size)
{
    struct graph_value *value = input_value(solving->walk.graph, input);
    if (value->shape.dims[axis] != COP_UNKNOWN)
        return false;
    value->shape.dims[axis] = size;
    cop_shape_walk_touch(&solving->walk, solving->walk.graph->inputs[input].value);
    return true;
}

/* A batch that nothing says is 1. */
static cop_status set_batches(struct solving *solving, cop_error *error)
{
    for (int i = 0; i < solving->walk.graph->input_count; i++)
        if (input_value(solving->walk.graph, i)->shape.rank > 0)
            set_dim(solving, i, 0, 1);
    return cop_shape_walk_settle(&solving->walk, error);
}

/* Tries [1,?,…] of some rank for an input; it fits when the rest follows or is an image. */
static cop_status try_rank(struct solving *solving, int input, int rank, bool *fits,
                           cop_error *error)
{
    struct graph_value *value = input_value(solving->walk.graph, input);
    struct shape guess = {.rank = rank};
    guess.dims[0] = 1;
    for (int i = 1; i < rank; i++)
        guess.dims[i] = COP_UNKNOWN;
    value->shape = guess;
    cop_shape_walk_touch(&solving->walk, solving->walk.graph->inputs[input].value);
    const cop_status status = cop_shape_walk_settle(&solving->walk, error);
    *fits = status == COP_STATUS_OK && (rank > 2 || cop_shape_is_known(&value->shape));
    if (*fits)
        keep(solving);
    else
        undo(solving);
    return status == COP_STATUS_OK || is_misfit(status) ? COP_STATUS_OK : status;
}

/* Inputs whose rank no convolution tells: rows for a fully connected layer, else images. */
static cop_status find_ranks(struct solving *solving, cop_error *error)
{
    const struct graph *graph = solving->walk.graph;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < graph->input_count && status == COP_STATUS_OK; i++) {
        bool fits = input_value(graph, i)->shape.rank != COP_UNKNOWN;
        for (int rank = 2; rank <= 4 && !fits && status == COP_STATUS_OK; rank += 2)
            status = try_rank(solving, i, rank, &fits, error);
    }
    return status;
}

/* Whether it is the last dimension of images that is known to be the channels. */
static bool is_channels_last(const struct shape *shape)
{
    return shape->rank == 4 && shape->dims[1] == COP_UNKNOWN && shape->dims[2] == COP_UNKNOWN &&
           shape->dims[3] != COP_UNKNOWN;
}

/* The channels of images that nothing says are 3. */
static cop_status set_channels(struct solving *solving, cop_error *error)
{
    for (int i = 0; i < solving->walk.graph->input_count; i++) {
        const struct shape *shape = &input_value(solving->walk.graph, i)->shape;
        if (shape->rank == 4 && !is_channels_last(shape))
            set_dim(solving, i, 1, 3);
    }
    return cop_shape_walk_settle(&solving->walk, error);
}

/* Sets every open spatial dimension; false: there is none. */
static bool set_size(struct solving *solving, int64_t size)
{
    bool is_any = false;
    for (int i = 0; i < solving->walk.graph->input_count; i++) {
        const struct shape *shape = &input_value(solving->walk.graph, i)->shape;
        for (int axis = is_channels_last(shape) ? 1 : 2; axis < shape->rank; axis++)
            is_any |= set_dim(solving, i, axis, size);
    }
    return is_any;
}

/* The sizes that networks are trained at, the likeliest first; 0 ends. */
static const int *usual_sizes(const struct graph *graph)
{
    static const int of_colour[] = {224, 299, 32,  227, 28,  112, 128, 160, 192, 256, 300, 320,
                                    331, 384, 416, 448, 480, 512, 608, 640, 96,  64,  0};
    static const int of_grey[] = {28, 32, 224, 112, 128, 64, 96, 256, 299, 0};
    for (int i = 0; i < graph->input_count; i++) {
        const struct shape *shape = &input_value(graph, i)->shape;
        if (shape->rank > 2 && !cop_shape_is_known(shape))
            return shape->dims[is_channels_last(shape) ? 3 : 1] == 1 ? of_grey : of_colour;
    }
    return of_colour;
}

static cop_status fail_sizes(const struct graph *graph, const cop_error *first, cop_error *error)
{
    for (int i = 0; i < graph->input_count; i++) {
        const struct graph_value *input = input_value(graph, i);
        if (!cop_shape_is_known(&input->shape))
            return cop_fail(
                error, COP_STATUS_INVALID_ARGUMENT,
                "input '%.200s' %s: its shape must be given, no usual size fits: %.800s",
                input->name, cop_shape_text(&input->shape).text, first->message);
    }
    return cop_fail(error, COP_STATUS_INTERNAL, "an open input has no name");
}

static cop_status find_sizes(struct solving *solving, cop_error *error)
{
    const struct graph *graph = solving->walk.graph;
    const int *usual = usual_sizes(graph);
    cop_error first = {COP_STATUS_OK, ""}, other;
    int64_t all = 0;
    solving->walk.steps_left = MAX_TRIED_STEPS;
    while (all < LARGEST_SIZE && solving->walk.steps_left >= 0) {
        const int64_t size = *usual != 0 ? *usual++ : ++all;
        if (!set_size(solving, size))
            return COP_STATUS_OK;
        cop_error *reason = first.status == COP_STATUS_OK ? &first : &other;
        const cop_status status = cop_shape_walk_settle(&solving->walk, reason);
        if (status == COP_STATUS_OK)
            return COP_STATUS_OK;
        undo(solving);
        if (!is_misfit(status))
            return cop_fail(error, status, "%s", reason->message);
    }
    return fail_sizes(graph, &first, error);
}

static cop_status solve(struct solving *solving, cop_error *error)
{
    cop_status status = cop_shape_walk_settle(&solving->walk, error);
    if (status == COP_STATUS_OK)
        status = set_batches(solving, error);
    keep(solving);
    if (status == COP_STATUS_OK)
        status = find_ranks(solving, error);
    if (status == COP_STATUS_OK)
        status = set_channels(solving, error);
    keep(solving);
    return status == COP_STATUS_OK ? find_sizes(solving, error) : status;
}

static bool has_open_input(const struct graph *graph)
{
    for (int i = 0; i < graph->input_count; i++)
        if (!cop_shape_is_known(&input_value(graph, i)->shape))
            return true;
    return false;
}

cop_status cop_graph_solve_inputs(struct graph *graph, const struct graph_evaluator *evaluator,
                                  cop_error *error)
{
    if (!has_open_input(graph))
        return COP_STATUS_OK;
    struct solving solving = {.before = NULL};
    cop_status status = cop_shape_walk_open(&solving.walk, graph, evaluator, error);
    if (status == COP_STATUS_OK) {
        solving.before = cop_alloc((size_t)graph->value_count, sizeof *solving.before);
        if (solving.before == NULL)
            status = cop_fail_memory(error, "solving input shapes",
                                     (size_t)graph->value_count * sizeof *solving.before);
    }
    if (status == COP_STATUS_OK) {
        memcpy(solving.before, graph->values, (size_t)graph->value_count * sizeof *graph->values);
        status = cop_graph_blame_shapes(graph, solve(&solving, error), error);
    }
    cop_shape_walk_close(&solving.walk);
    cop_free(solving.before);
    return status;
}
