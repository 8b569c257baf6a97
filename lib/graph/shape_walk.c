// SPDX-License-Identifier: Apache-2.0
#include "base/alloc.h"
#include "base/error.h"
#include "graph/graph_parts.h"

/*
 * Turns from forward to backward and back that a model may need. One each way settles what
 * exporters write; more only happens where knowledge zigzags through the graph.
 */
#define MAX_TURNS 64

/* How often each edge may be looked at, on average. */
#define MAX_VISITS 64

/* Counts edges, and finds the widest node. */
static size_t count_edges(const struct graph *graph, size_t *widest)
{
    size_t edges = 0;
    *widest = 1;
    for (int i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        const size_t width = (size_t)node->src_count + (size_t)node->dst_count;
        edges += width;
        if (width > *widest)
            *widest = width;
    }
    return edges;
}

cop_status cop_shape_walk_open(struct shape_walk *walk, struct graph *graph,
                               const struct graph_evaluator *evaluator, cop_error *error)
{
    size_t widest;
    const size_t values = (size_t)graph->value_count, edges = count_edges(graph, &widest);
    *walk = (struct shape_walk){.graph = graph, .evaluator = evaluator};
    const cop_status status = cop_graph_uses_create(graph, &walk->uses, error);
    if (status != COP_STATUS_OK)
        return status;
    walk->is_dirty = cop_alloc((size_t)graph->node_count, 1);
    walk->is_wanted = cop_alloc(values, 1);
    walk->is_changed = cop_alloc(values, 1);
    walk->changed = cop_alloc(values, sizeof *walk->changed);
    walk->tensors = cop_alloc(widest, sizeof *walk->tensors);
    if (walk->is_dirty == NULL || walk->is_wanted == NULL || walk->is_changed == NULL ||
        walk->changed == NULL || walk->tensors == NULL)
        return cop_fail_memory(error, "inferring shapes", values * sizeof *walk->changed);
    for (int i = 0; i < graph->node_count; i++) {
        walk->is_dirty[i] = !graph->nodes[i].is_dead;
        walk->dirty_count += walk->is_dirty[i];
    }
    walk->steps_left = (int64_t)edges * MAX_VISITS;
    cop_shape_walk_find_wanted(walk);
    return COP_STATUS_OK;
}

void cop_shape_walk_close(struct shape_walk *walk)
{
    cop_graph_uses_free(&walk->uses);
    cop_free(walk->is_dirty);
    cop_free(walk->is_wanted);
    cop_free(walk->is_changed);
    cop_free(walk->changed);
    cop_free(walk->tensors);
    *walk = (struct shape_walk){0};
}

static void make_dirty(struct shape_walk *walk, int node)
{
    walk->dirty_count += !walk->is_dirty[node];
    walk->is_dirty[node] = 1;
}

void cop_shape_walk_touch(struct shape_walk *walk, int value)
{
    const int producer = walk->graph->values[value].producer;
    if (producer >= 0 && !walk->graph->nodes[producer].is_dead)
        make_dirty(walk, producer);
    for (int i = walk->uses.first[value]; i < walk->uses.first[value + 1]; i++)
        make_dirty(walk, walk->uses.nodes[i]);
    if (!walk->is_changed[value])
        walk->changed[walk->changed_count++] = value;
    walk->is_changed[value] = 1;
}

/* Takes over what a rule learned of a value; `is_news` becomes true if that is anything. */
static cop_status learn(struct shape_walk *walk, int value, const struct op_tensor *tensor,
                        bool *is_news, cop_error *error)
{
    struct graph_value *known = &walk->graph->values[value];
    bool changed = false;
    if (!cop_shape_merge(&known->shape, &tensor->shape, &changed))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "'%.200s' is %s and would have to be %s",
                        known->name, cop_shape_text(&known->shape).text,
                        cop_shape_text(&tensor->shape).text);
    if (tensor->dtype != known->dtype && known->dtype != COP_DTYPE_UNKNOWN)
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "'%.200s' is %s and would have to be %s",
                        known->name, cop_dtype_name(known->dtype), cop_dtype_name(tensor->dtype));
    changed |= tensor->dtype != known->dtype;
    known->dtype = tensor->dtype;
    if (changed)
        cop_shape_walk_touch(walk, value);
    *is_news |= changed;
    return COP_STATUS_OK;
}

static void show(const struct graph *graph, int value, struct op_tensor *tensor)
{
    *tensor = (struct op_tensor){.shape = cop_shape_unknown()};
    if (value == COP_NO_VALUE)
        return;
    const struct graph_value *known = &graph->values[value];
    tensor->is_present = true;
    tensor->dtype = known->dtype;
    tensor->shape = known->shape;
    tensor->value = known->value;
}

/* The source that a fused addition reads is of the result's shape and dtype. */
static cop_status join_sum(struct op_tensor *added, struct op_tensor *dst, cop_error *error)
{
    if (!cop_shape_merge(&dst->shape, &added->shape, NULL) ||
        !cop_shape_merge(&added->shape, &dst->shape, NULL) ||
        (added->dtype != dst->dtype && added->dtype != COP_DTYPE_UNKNOWN))
        return cop_fail(error, COP_STATUS_MALFORMED_MODEL, "%s %s is added to %s %s",
                        cop_dtype_name(added->dtype), cop_shape_text(&added->shape).text,
                        cop_dtype_name(dst->dtype), cop_shape_text(&dst->shape).text);
    added->dtype = dst->dtype;
    return COP_STATUS_OK;
}

/* `is_again`: the node's sources became better known, from which more may follow at once. */
static cop_status apply_rule(struct shape_walk *walk, const struct graph_node *node, bool *is_again,
                             cop_error *error)
{
    bool is_news = false;
    *is_again = false;
    struct op_tensor *src = walk->tensors, *dst = walk->tensors + node->src_count;
    const int sums = cop_post_ops_has_sum(node->post_ops) ? 1 : 0;
    cop_status status = COP_STATUS_OK;
    for (int i = 0; i < node->src_count && status == COP_STATUS_OK; i++) {
        status = cop_shape_walk_elements(walk, node, i, error);
        show(walk->graph, node->src[i], &src[i]);
    }
    for (int i = 0; i < node->dst_count; i++)
        show(walk->graph, node->dst[i], &dst[i]);
    if (status == COP_STATUS_OK)
        status = cop_op_infer(node->kind, node->attrs, node->src_count - sums, src, node->dst_count,
                              dst, error);
    if (status == COP_STATUS_OK && sums > 0)
        status = join_sum(&src[node->src_count - 1], &dst[0], error);
    for (int i = 0; i < node->src_count && status == COP_STATUS_OK; i++)
        if (node->src[i] != COP_NO_VALUE)
            status = learn(walk, node->src[i], &src[i], is_again, error);
    for (int i = 0; i < node->dst_count && status == COP_STATUS_OK; i++)
        status = learn(walk, node->dst[i], &dst[i], &is_news, error);
    return status;
}

static cop_status run_node(struct shape_walk *walk, int index, cop_error *error)
{
    const struct graph_node *node = &walk->graph->nodes[index];
    cop_status status = COP_STATUS_OK;
    for (bool is_again = true; is_again && status == COP_STATUS_OK;) {
        walk->steps_left -= node->src_count + node->dst_count;
        if (walk->steps_left < 0)
            return cop_fail(error, COP_STATUS_UNSUPPORTED,
                            "the shapes of this model take too long to follow from each other");
        status = apply_rule(walk, node, &is_again, error);
    }
    if (status == COP_STATUS_OK)
        status = cop_shape_walk_fold(walk, index, error);
    if (status != COP_STATUS_OK)
        return cop_graph_name_node(walk->graph, index, status, error);
    /* Its own lessons are learned; others' will make it dirty again. */
    walk->dirty_count -= walk->is_dirty[index];
    walk->is_dirty[index] = 0;
    return COP_STATUS_OK;
}

cop_status cop_shape_walk_settle(struct shape_walk *walk, cop_error *error)
{
    const int last = walk->graph->node_count - 1;
    cop_status status = COP_STATUS_OK;
    for (int turn = 0; walk->dirty_count > 0 && status == COP_STATUS_OK; turn++) {
        if (turn == MAX_TURNS)
            return cop_fail(error, COP_STATUS_UNSUPPORTED,
                            "the shapes of this model do not settle after %d turns", turn);
        for (int i = 0; i <= last && walk->dirty_count > 0 && status == COP_STATUS_OK; i++) {
            const int index = turn % 2 == 0 ? i : last - i;
            if (walk->is_dirty[index])
                status = run_node(walk, index, error);
        }
    }
    return status;
}
